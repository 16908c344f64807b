/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_SHIMS_OBSERVE_H
#define LOCKPROOF_SHIMS_OBSERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "runs.h"

/*
 * How to see what is locked. msync tells it of any range, in a time that does
 * not grow with its memory, but not the mode, and not where in the range. That
 * is found mapping by mapping, as the kernel names them for PROCMAP_QUERY
 * (Linux 6.11) or in /proc/thread-self/maps, and by halves where the range is
 * short or no file can be opened. /proc/thread-self/smaps tells all (`lf` in
 * VmFlags; kernels that do not print it let all locks look eager), and takes
 * as long as there is memory below the end of the range.
 *
 * Both name the thread, as that of the process is empty once its first thread
 * has ended.
 */
enum observer { BY_MSYNC, BY_SMAPS };

/*
 * Takes what is found, in the order of the addresses: pages, all of them
 * mapped, and NOT_LOCKED, EAGER, ON_FAULT, or LOCKED where the mode is not seen.
 */
typedef void taker(void *self, struct address_range pages, enum mode mode);

/* A search that is on, and what the kernel takes and gives in it. */
struct search {
	struct address_range range; /* what is left of it */
	taker *take;
	void *self;
	struct address_range pages; /* found, not handed on yet: what follows may belong to them */
	enum mode mode;
	bool trusting; /* msync is believed that pages are not mapped */
	bool has_mapping;
	bool failed;
};

/* PROCMAP_QUERY of /proc/PID/maps (Linux, Documentation/filesystems/proc.rst). */
struct mapping_query {
	uint64_t size, flags, address;
	uint64_t start, end;
	uint64_t vma_flags, page_size, offset, inode;
	uint32_t device[2];
	uint32_t name_size, build_id_size;
	uint64_t name, build_id;
};

/*
 * `first` is tried first; where it cannot tell, the other goes on. False:
 * neither can. For the thread in the section.
 */
bool observe_locks(struct address_range range, enum observer first, taker *take, void *self);

/* Whether mappings can be found without asking about every page that is locked. */
bool can_see_mappings(void);

/* What msync says: 0 all mapped and nothing locked, EBUSY something is locked, or another errno. */
int ask_locked(struct address_range pages);

/* A page of the range that is not mapped; empty: there is none. */
struct address_range find_hole(struct address_range range);

#endif
