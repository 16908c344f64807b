/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/sha256.h"

#include <string.h>

enum { ROUNDS = 64, ROOM_FOR_SIZE = 8 };

static uint32_t rotated(uint32_t word, int bits)
{
	return word >> bits | word << (32 - bits);
}

static uint32_t expanded(const uint32_t *words, int i)
{
	uint32_t before = words[i - 15], late = words[i - 2];

	return words[i - 16] + (rotated(before, 7) ^ rotated(before, 18) ^ before >> 3) + words[i - 7] +
	       (rotated(late, 17) ^ rotated(late, 19) ^ late >> 10);
}

static void add_block(struct sha256 *digest)
{
	static const uint32_t constants[ROUNDS] = {
		0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
		0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
		0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
		0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
		0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
		0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
		0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
		0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
	};
	uint32_t words[ROUNDS], s[SHA256_WORDS];

	for (int i = 0; i < SHA256_BLOCK / 4; i++) {
		const unsigned char *byte = digest->block + i * 4;

		words[i] = (uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16 | (uint32_t)byte[2] << 8 | byte[3];
	}
	for (int i = SHA256_BLOCK / 4; i < ROUNDS; i++)
		words[i] = expanded(words, i);
	memcpy(s, digest->state, sizeof(s));
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
		uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
		uint32_t one = s[7] + (rotated(s[4], 6) ^ rotated(s[4], 11) ^ rotated(s[4], 25)) + choice +
			       constants[i] + words[i];
		uint32_t two = (rotated(s[0], 2) ^ rotated(s[0], 13) ^ rotated(s[0], 22)) + majority;

		memmove(s + 1, s, sizeof(s) - sizeof(*s));
		s[4] += one;
		s[0] = one + two;
	}
	for (int i = 0; i < SHA256_WORDS; i++)
		digest->state[i] += s[i];
}

void sha256_begin(struct sha256 *digest)
{
	*digest = (struct sha256){ .state = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
					      0x1f83d9ab, 0x5be0cd19 } };
}

void sha256_add(struct sha256 *digest, const void *bytes, size_t count)
{
	const unsigned char *next = bytes;

	for (size_t i = 0; i < count; i++) {
		digest->block[digest->bytes++ % SHA256_BLOCK] = next[i];
		if (digest->bytes % SHA256_BLOCK == 0)
			add_block(digest);
	}
}

void sha256_end(struct sha256 *digest, char digits[static SHA256_ROOM])
{
	static const char hexadecimal[] = "0123456789abcdef";
	uint64_t bits = digest->bytes * 8;
	unsigned char size[ROOM_FOR_SIZE];

	sha256_add(digest, "\x80", 1);
	while (digest->bytes % SHA256_BLOCK != SHA256_BLOCK - ROOM_FOR_SIZE)
		sha256_add(digest, "", 1);
	for (int i = 0; i < ROOM_FOR_SIZE; i++)
		size[i] = (unsigned char)(bits >> (56 - 8 * i));
	sha256_add(digest, size, sizeof(size));
	for (int i = 0; i < SHA256_WORDS; i++)
		for (int shift = 28; shift >= 0; shift -= 4)
			*digits++ = hexadecimal[digest->state[i] >> shift & 0xf];
	*digits = '\0';
}
