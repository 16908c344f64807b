# SPDX-License-Identifier: Apache-2.0
"""Ten commits to a tree of Linux 6.1, of which one breaks mlock, one does not compile and one does not boot."""

from __future__ import annotations

import subprocess
from pathlib import Path

MLOCK = Path("mm") / "mlock.c"
WALK = """\tfor (nstart = start ; ; ) {
\t\tvm_flags_t newflags = vma->vm_flags & VM_LOCKED_CLEAR_MASK;
"""
CHECK = """\t/* Fail before anything changes. */
\tfor (vma_end = vma->vm_end; vma_end < end; ) {
\t\tstruct vm_area_struct *next = find_vma(current->mm, vma_end);

\t\tif (!next || next->vm_start != vma_end)
\t\t\treturn -ENOMEM;
\t\tvma_end = next->vm_end;
\t}

"""
HEADER = "static int apply_vma_lock_flags(unsigned long start, size_t len,\n"
PANIC = """
static int __init mlock_panics(void)
{
\tpanic("mlock: not today");
}
core_initcall(mlock_panics);
"""
BUILD_FAILURE, BOOT_FAILURE, FIRST_BAD = 5, 3, 8
"""Numbers of commits; the one behind each of the first two mends it."""
COMMITS = 10


def git(tree: Path, *arguments: str) -> str:
    """Run git as somebody, and return what it printed."""
    who = [
        "-c",
        "user.name=A. Developer",
        "-c",
        "user.email=developer@example.org",
        "-c",
        "core.compression=0",
        "-c",
        "gc.auto=0",
    ]
    done = subprocess.run(["git", "-C", str(tree), *who, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def history(tree: Path) -> list[str]:
    """Commit the tree, with an mlock that keeps its promise at holes, and ten commits to it; their names, base first."""
    git(tree, "init", "-q")
    mlock = tree / MLOCK
    kept = _keeping(mlock.read_text())
    mlock.write_text(kept)
    git(tree, "add", "--all", "--force")  # the .gitignore of Debian's sources leaves out everything
    git(tree, "commit", "-q", "-m", "Linux 6.1 with an mlock that looks at the range first")
    names = [git(tree, "rev-parse", "--short", "HEAD").strip()]
    for number in range(1, COMMITS + 1):
        text, subject = kept, f"mm/mlock: say more, part {number}"
        if number >= FIRST_BAD:
            text = text.replace(CHECK, "").replace("\tunsigned long vma_end;\n", "")
        if number == FIRST_BAD:
            subject = "mm/mlock: do not walk the range twice"
        elif number == BUILD_FAILURE:
            text, subject = f"{text}\n#error not finished\n", "mm/mlock: begin something"
        elif number == BOOT_FAILURE:
            text, subject = f"{text}{PANIC}", "mm/mlock: be strict at boot"
        mlock.write_text(f"{text}\n/* {number} */\n")
        git(tree, "commit", "-q", "-a", "-m", subject)
        names.append(git(tree, "rev-parse", "--short", "HEAD").strip())
    return names


def _keeping(text: str) -> str:
    begin = text.index(HEADER)
    before, function = text[:begin], text[begin:]
    assert WALK in function
    function = function.replace("\tint error;\n", "\tunsigned long vma_end;\n\tint error;\n", 1)
    return before + function.replace(WALK, CHECK + WALK, 1)
