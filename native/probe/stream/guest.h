/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_STREAM_GUEST_H
#define LOCKPROOF_STREAM_GUEST_H

#include <stdbool.h>

#include "stream/channel.h"

/* Whether the kernel has started this process as its init, for lockproof: nothing else runs on it. */
bool guest_is_here(void);

/* Makes of a bare kernel a place where programs can run, and opens the channel. False: there is no channel. */
bool guest_start(struct channel *channel);

/* Ends the guest. */
void guest_end(void) __attribute__((noreturn));

#endif
