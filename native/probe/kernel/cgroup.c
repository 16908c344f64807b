/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/cgroup.h"

#include <stddef.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "kernel/proc.h"
#include "program/text.h"

enum { CGROUP2_MAGIC = 0x63677270 };

static const char *find_root(void)
{
	static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	struct statfs about;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (statfs(places[i], &about) == 0 && about.f_type == CGROUP2_MAGIC)
			return places[i];
	}
	return NULL;
}

/* The root is the host's, and stays as it is. */
void cgroup_make(char group[GROUP_ROOM], const char *suffix, const char *setting)
{
	struct text text = text_in(group, GROUP_ROOM);
	const char *root = find_root();

	*group = '\0';
	if (!root)
		return;
	text_format(&text, "%s/lockproof-%d%s", root, (int)getpid(), suffix);
	text_close(&text);
	if (mkdir(group, 0755) < 0)
		*group = '\0';
	else if (proc_write_in(group, setting, "max") < 0)
		cgroup_remove(group);
}

void cgroup_remove(char group[GROUP_ROOM])
{
	if (*group)
		rmdir(group);
	*group = '\0';
}

long cgroup_enter(const char *group)
{
	return proc_write_in(group, "cgroup.procs", "0");
}
