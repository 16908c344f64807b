/* SPDX-License-Identifier: Apache-2.0 */
#include "program/snapshot.h"

void snapshot_start(struct snapshot *snapshot, size_t pages, char *room)
{
	char **const strips[STRIP_COUNT] = { &snapshot->smaps, &snapshot->msync, &snapshot->resident,
					     &snapshot->mappings };

	snapshot->pages = pages;
	for (size_t i = 0; i < STRIP_COUNT; i++)
		*strips[i] = room + i * pages;
}
