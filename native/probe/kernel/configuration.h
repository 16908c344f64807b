/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_CONFIGURATION_H
#define LOCKPROOF_KERNEL_CONFIGURATION_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/sha256.h"

enum {
	CONFIGURATION_PATH_ROOM = 128,
	COMMAND_LINE_ROOM = 4097, /* the longest that Linux takes, COMMAND_LINE_SIZE of arm64 and others, and the end */
};

/* Where the configuration of a kernel was read, and SHA-256 of that file as it is. */
struct configuration {
	char path[CONFIGURATION_PATH_ROOM];
	char digest[SHA256_ROOM];
};

/* Looks into /proc/config.gz, then into /boot/config-RELEASE. False: neither can be read. */
bool configuration_read(const char *release, struct configuration *configuration);

/* The parameters that the kernel was started with, without the end of the line; empty: they cannot be read. */
void command_line_read(char line[static COMMAND_LINE_ROOM]);

#endif
