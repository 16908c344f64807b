/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/defect.h"

#include <unistd.h>

#include "kernel/proc.h"
#include "program/text.h"

static const char parameter[] = "/sys/module/kernel/parameters/mlock_defect";

bool kernel_has_defects(void)
{
	return access(parameter, W_OK) == 0;
}

long kernel_plant_defect(unsigned long number)
{
	char buffer[24];
	struct text text = text_in(buffer, sizeof(buffer));

	text_format(&text, "%lu", number);
	text_close(&text);
	return proc_write(parameter, buffer);
}
