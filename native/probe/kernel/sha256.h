/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCKPROOF_KERNEL_SHA256_H
#define LOCKPROOF_KERNEL_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_WORDS = 8, SHA256_BLOCK = 64, SHA256_ROOM = 65 }; /* 32 bytes as hexadecimal digits, and the end */

/* A digest under way (FIPS 180-4, SHA-256). */
struct sha256 {
	uint32_t state[SHA256_WORDS];
	uint64_t bytes; /* so far */
	unsigned char block[SHA256_BLOCK];
};

void sha256_begin(struct sha256 *digest);

void sha256_add(struct sha256 *digest, const void *bytes, size_t count);

/* Writes it as hexadecimal digits. */
void sha256_end(struct sha256 *digest, char digits[static SHA256_ROOM]);

#endif
