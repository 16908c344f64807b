/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_STREAM_SWAP_H
#define LOCKPROOF_STREAM_SWAP_H

/* Lets the kernel of a guest swap to the disk that the guest has, or to a RAM disk of its own; most have neither. */
void swap_start(void);

#endif
