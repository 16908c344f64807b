/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The models, as Python calls them; cffi reads this header, so it has no line of
 * the preprocessor. Nothing is kept between calls, and any number of threads may
 * make them at the same time.
 *
 * Answers are in the protocol of the probe (native/probe/PROTOCOL.md): lines of
 * text, ended by a zero byte, to be given to lockproof_model_free(). NULL: there
 * is no model of that name, or not enough memory.
 */

/* The name of the model with that number, from 0; NULL after the last. */
const char *lockproof_model_name(size_t number);

/* The defects that a model can be given, by number from 0; NULL after the last: name, requirement, what is wrong. */
const char *lockproof_mutant_name(size_t number);
const char *lockproof_mutant_requirement(size_t number);
const char *lockproof_mutant_about(size_t number);

/* The model's hello. NAME is a model's, or MODEL/MUTANT, also below. */
char *lockproof_model_hello(const char *name);

/* The trace of one program, whose text goes from its `program` line to its `end`. */
char *lockproof_model_run(const char *name, const char *text, size_t length);

void lockproof_model_free(char *answer);
