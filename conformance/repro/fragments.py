# SPDX-License-Identifier: Apache-2.0
"""The parts of a reproducer that are the same for all cases, in C."""

from __future__ import annotations

__all__ = [
    "ARM",
    "BUSY",
    "DISARM",
    "FILL",
    "LIKE",
    "LOOP",
    "MAP",
    "MAPS",
    "MODES",
    "PERSIST",
    "RESIDENT",
    "RESIDENT_ONLY",
]

LIKE = """\
static int like(const char *s, const char *t) { return !*s || ((*t == '?' || *s == *t) && like(s + 1, t + 1)); }"""

MAP = """\
#define MAP(i, n, prot, flags, file, page) mmap(a + (i) * p, n * p, prot, MAP_FIXED | flags, file, page * p)"""

BUSY = """\
	for (int i = 0; i < N; i++) /* POSIX: a locked page is busy */
		now[i] = !msync(a + i * p, p, MS_ASYNC | MS_INVALIDATE) ? '.' : errno == EBUSY ? 'L' : '_';"""

RESIDENT = """\
	for (int i = 0; i < N; i++) /* POSIX: a locked page is busy */
		now[i] = !msync(a + i * p, p, MS_ASYNC | MS_INVALIDATE) ? '.' : errno == EBUSY ? 'L' : '_',
		in[i] = mincore(a + i * p, p, &r) ? '_' : r & 1 ? 'R' : '.';"""

RESIDENT_ONLY = """\
	for (int i = 0; i < N; i++)
		in[i] = mincore(a + i * p, p, &r) ? '_' : r & 1 ? 'R' : '.';"""

MAPS = """\
	memset(at, '_', N);
	for (FILE *f = fopen("/proc/self/maps", "r"); fgets(line, sizeof(line), f);)
		for (long i = 0; i < N && sscanf(line, "%lx-%lx", &s, &t) == 2; i++)
			if ((unsigned long)a + i * p - s < t - s)
				at[i] = (unsigned long)a + i * p == s ? '|' : '-';"""

MODES = """\
	memset(now, '_', N);
	for (FILE *f = fopen("/proc/self/smaps", "r"); fgets(line, sizeof(line), f);)
		if (sscanf(line, "%lx-%lx", &u, &v) == 2) s = u, t = v;
		else for (long i = 0; i < N && !strncmp(line, "VmFlags", 7); i++)
			if ((size_t)a + i * p - s < t - s) now[i] = strstr(line, " lf") ? 'F' : strstr(line, " lo") ? 'L' : '.';"""

FILL = """\
	char *m = mmap(0, 99999 * p, PROT_NONE, ANON, -1, 0);
	long i = munmap(m, 99999 * p);
	setbuf(stdout, NULL);
	for (; mmap(m + i * p, p, i % 2, ANON | MAP_FIXED, -1, 0) != MAP_FAILED; i++)
		; /* neighbours that differ stay mappings of their own */"""

ARM = """\
char nth[20];
int f = open("/proc/thread-self/fail-nth", O_RDWR);
sprintf(nth, "%d", n);"""

DISARM = """\
	pread(f, nth, 1, 0);
	if (*nth != '0') return 2; /* the call makes fewer allocations */
	printf("allocation %d fails: ", n), errno = error;"""

PERSIST = """\
int g = open("/proc/self/make-it-fail", O_WRONLY);
write(g, "1", 1);"""

LOOP = """\
for (setbuf(stdout, NULL); fork(); n++) /* for each allocation a child, which goes on below */
	if (wait(&status), wrong |= WEXITSTATUS(status) == 1, WEXITSTATUS(status) == 2 || n > 999) return wrong;"""
