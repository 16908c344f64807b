/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "stream/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "kernel/proc.h"
#include "program/text.h"
#include "stream/swap.h"

enum {
	/* To reserve, as far as there is memory for them: so many, and at least the memory of so many small pages. */
	HUGE_PAGES = 4,
	SMALL_PAGES = 2048,
	MOST_MAPPINGS = 1024, /* of a process: the default, 65530, takes seconds to use up on an emulated machine */
};

/* The kernel hands what it does not know on its command line to init, as its environment. */
static const char channel_name[] = "LOCKPROOF_CHANNEL";

bool guest_is_here(void)
{
	return getpid() == 1 && getenv(channel_name) != NULL;
}

/* What a kernel lacks stays away; hello says what can be done without it. */
static void mount_all(void)
{
	static const struct {
		const char *type, *folder;
	} mounts[] = {
		{ "proc", "/proc" },
		{ "sysfs", "/sys" },
		{ "devtmpfs", "/dev" },
		{ "tmpfs", "/dev/shm" },
		{ "tmpfs", "/tmp" },
		{ "debugfs", "/sys/kernel/debug" },
		{ "cgroup2", "/sys/fs/cgroup" },
	};

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].folder, 01777);
		mount(mounts[i].type, mounts[i].folder, mounts[i].type, 0, NULL);
	}
}

/* Modules that the kernel needs, /modules/NAME.ko for each line of /modules/order; most kernels need none. */
static void load_modules(void)
{
	char order[4096], path[128], *rest = NULL;
	int list = open("/modules/order", O_RDONLY | O_CLOEXEC);
	ssize_t length = list < 0 ? 0 : read(list, order, sizeof(order) - 1);

	if (list >= 0)
		close(list);
	order[length > 0 ? length : 0] = '\0';
	for (char *name = strtok_r(order, "\n", &rest); name; name = strtok_r(NULL, "\n", &rest)) {
		struct text text = text_in(path, sizeof(path));
		int module;

		text_format(&text, "/modules/%s.ko", name);
		text_close(&text);
		module = open(path, O_RDONLY | O_CLOEXEC);
		if (module < 0 || (syscall(SYS_finit_module, module, "", 0) < 0 && errno != EEXIST))
			fprintf(stderr, "%s: cannot be loaded: %s\n", path, strerror(errno));
		if (module >= 0)
			close(module);
	}
}

/* A kernel whose driver of the console is a module starts its init without any open file. */
static void fill_standard_files(void)
{
	int file;

	do
		file = open("/dev/null", O_RDWR);
	while (file >= 0 && file < STDERR_FILENO);
	if (file > STDERR_FILENO)
		close(file);
}

static void write_number(const char *path, unsigned long number)
{
	char digits[32];
	struct text text = text_in(digits, sizeof(digits));
	long result;

	text_format(&text, "%lu", number);
	text_close(&text);
	result = proc_write(path, digits);
	if (result < 0 && result != -ENOENT)
		fprintf(stderr, "%s: %s\n", path, strerror((int)-result));
}

static unsigned long huge_pages(void)
{
	long small = sysconf(_SC_PAGESIZE) / 1024, huge = proc_number("/proc/meminfo", "Hugepagesize:");
	long wanted = huge > 0 ? SMALL_PAGES * small / huge : 0;

	return wanted > HUGE_PAGES ? (unsigned long)wanted : HUGE_PAGES;
}

/* With less than 512 MiB the kernel makes no transparent huge pages; those that it makes later, by and by, come as chance has it. */
static void allow_huge_pages(void)
{
	proc_write("/sys/kernel/mm/transparent_hugepage/enabled", "madvise");
	write_number("/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs", UINT_MAX);
}

/* A terminal that hands on each byte as it comes, and at once. */
static bool make_raw(int terminal)
{
	struct termios settings;

	if (tcgetattr(terminal, &settings) < 0)
		return false;
	cfmakeraw(&settings);
	settings.c_cflag |= CLOCAL | CREAD;
	settings.c_cc[VMIN] = 1;
	settings.c_cc[VTIME] = 0;
	/* An emulated port is as fast as it is; but its clock runs by the rate until it reports single bytes. */
	cfsetispeed(&settings, B115200);
	cfsetospeed(&settings, B115200);
	return tcsetattr(terminal, TCSANOW, &settings) == 0;
}

static int open_terminal(void)
{
	char path[64];
	struct text text = text_in(path, sizeof(path));
	int terminal;

	text_format(&text, "/dev/%s", getenv(channel_name));
	text_close(&text);
	terminal = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal < 0 || !make_raw(terminal)) {
		perror(path);
		return -1;
	}
	return terminal;
}

bool guest_start(struct channel *channel)
{
	int terminal;

	umask(0);
	fill_standard_files();
	mount_all();
	load_modules();
	swap_start();
	proc_write("/sys/fs/cgroup/cgroup.subtree_control", "+memory"); /* for limits of memory */
	write_number("/proc/sys/vm/nr_hugepages", huge_pages());
	write_number("/proc/sys/vm/max_map_count", MOST_MAPPINGS);
	allow_huge_pages();
	/* Cases that end with a signal are no diagnostics; on s390x they would be told on the channel. */
	write_number("/proc/sys/debug/exception-trace", 0);
	terminal = open_terminal();
	if (terminal < 0)
		return false;
	*channel = (struct channel){ .in = terminal, .out = terminal, .is_terminal = true };
	channel->has_mailbox = mailbox_open(&channel->mailbox);
	return true;
}

void guest_end(void)
{
	sync();
	reboot(RB_POWER_OFF);
	/* A kernel that does not know how to switch this machine off may still know how to start it anew. */
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}
