/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/sha256.h"

enum { MILLION = 1000000 };

static void digest_is(const char *text, size_t times, const char *expected)
{
	char digits[SHA256_ROOM];
	struct sha256 digest;

	sha256_begin(&digest);
	for (size_t i = 0; i < times; i++)
		sha256_add(&digest, text, strlen(text));
	sha256_end(&digest, digits);
	assert_string_equal(digits, expected);
}

/* FIPS 180-4's examples, and lengths around the end of a block, as sha256sum(1) has them. */
static void it_is_what_everybody_computes(void **state)
{
	(void)state;
	digest_is("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	digest_is("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	digest_is("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	digest_is("a", MILLION, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	digest_is("a", 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
	digest_is("a", 63, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34");
	digest_is("a", 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(it_is_what_everybody_computes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
