/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_TESTS_SMAPS_TEXT_H
#define LOCKPROOF_TESTS_SMAPS_TEXT_H

/* As a kernel could write it, with what is easily misread. */
static const char smaps_text[] =
	"00008000-0000a000 r-xp 00000000 08:01 131 /usr/bin/a name with [vdso] in it\n"
	"Size:                  8 kB\n"
	"VmFlags: rd ex mr mw me lo \n"
	"00010000-00012000 rw-p 00000000 00:00 0 \n"
	"VmFlags: rd wr mr mw me ac sd \n"
	"00012000-00013000 rw-p 00000000 00:00 0 \n"
	"Locked:                4 kB\n"
	"VmFlags: rd wr mr mw me lo ac sd \n"
	"00015000-00016000 ---p 00000000 00:00 0 \n"
	"VmFlags: mr mw me ac lf lo\n"
	"00016000-00018000 r--s 00000000 00:05 77                         /dev/shm/x (deleted)\n"
	"VmFlags: rd sh mr me loo xlo dd \n"
	"00020000-00023000 rw-p 00000000 00:00 0                          [stack]\n"
	"VmFlags: rd wr gd\n"
	"7ffd0000-7ffd2000 r--p 00000000 00:00 0                          [vvar_vclock]\n"
	"VmFlags: rd lo\n"
	"7ffd8000-7ffd9000 r-xp 00000000 00:00 0                          [usertrap]\n"
	"VmFlags: rd lo\n"
	"7ffe0000-7ffe2000 r-xp 00000000 00:00 0                          [vdso]\n"
	"VmFlags: rd lo\n"
	"ff600000-ff601000 --xp 00000000 00:00 0                  [vsyscall]\n"
	"VmFlags: ex\n";

#endif
