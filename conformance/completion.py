# SPDX-License-Identifier: Apache-2.0
"""What a shell offers on TAB (docs/completion.md). Nothing is started for it, and only what is asked for is read.

Each function has the signature that click wants for `shell_complete`, and gives what begins with `incomplete`.
"""

from __future__ import annotations

import re
from functools import wraps
from typing import TYPE_CHECKING

from click.shell_completion import BashComplete, CompletionItem, FishComplete, ZshComplete, add_completion_class

from lockproof.conformance.errors import LockproofError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from importlib.resources.abc import Traversable
    from pathlib import Path

    import click

    Completion = Callable[[click.Context, click.Parameter, str], list[CompletionItem[str]]]

__all__ = [
    "architectures",
    "cases",
    "fetchable",
    "kernels",
    "models",
    "mutants",
    "paths",
    "reports",
    "requirements",
    "runs",
    "shims",
    "sources",
    "targets",
]

_CATALOGUE = "requirements.yaml"
_NO_CASES = {_CATALOGUE, "interpretations.yaml"}
_DEEPEST = 8
"""Folders in each other, of which cases are offered."""
_ID = re.compile(r"^- (?:\{ *)?id: *([^\s,}]+)", re.MULTILINE)


def _completion(names: Callable[[click.Context, str], Iterable[str]]) -> Completion:
    """Offer those of the names that begin with what is typed; none where they cannot be read: nobody asked for them."""

    @wraps(names)
    def complete(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        try:
            return [CompletionItem(name) for name in names(context, incomplete) if name.startswith(incomplete)]
        except (LockproofError, OSError, UnicodeError):
            return []

    return complete


@_completion
def cases(context: click.Context, incomplete: str) -> Iterable[str]:
    """Name folders, files and cases, one level below what is typed."""
    return dict.fromkeys(_level(name, incomplete) for name in _cases(context.params.get("cases")))


def _level(name: str, incomplete: str) -> str:
    """Return a name up to the next / after what is typed, if it is a name that begins so."""
    end = name.find("/", len(incomplete))
    return name if end < 0 else name[: end + 1]


def _cases(path: Path | None) -> Iterator[str]:
    """Find names in the text of case files. Loading these takes many times longer, and says what is wrong in them."""
    for file, content in _case_files(path):
        yield from (f"{file}/{case}" for case in _ID.findall(_text(content)))


def _case_files(path: Path | None) -> Iterable[tuple[str, Traversable]]:
    """Find case files, each with what the names of its cases begin with."""
    if path is None:
        return _below(_builtin(), "")
    start = path.absolute()
    name = start.relative_to(_root(start)).as_posix().removesuffix(".yaml")
    return _below(start, "" if name == "." else f"{name}/") if start.is_dir() else [(name, start)]


def _text(file: Traversable) -> str:
    from pathlib import Path

    from lockproof.conformance.files import read_input

    return (read_input(file) if isinstance(file, Path) else file.read_bytes()).decode()


def _below(folder: Traversable, prefix: str, depth: int = 0) -> Iterator[tuple[str, Traversable]]:
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir():  # a link may lead back
            yield from _below(item, f"{prefix}{item.name}/", depth + 1) if depth < _DEEPEST else ()
        elif item.name.endswith(".yaml") and item.name not in _NO_CASES:
            yield f"{prefix}{item.name.removesuffix('.yaml')}", item


def _root(start: Path) -> Path:
    """Return the folder below which the names of cases begin: that of the catalogue, as in language/loading.py."""
    folder = start if start.is_dir() else start.parent
    return next((up for up in (folder, *folder.parents) if (up / _CATALOGUE).is_file()), folder)


def _builtin() -> Traversable:
    from importlib.resources import files

    return files("lockproof") / "cases"


@_completion
def requirements(context: click.Context, _incomplete: str) -> Iterable[str]:
    """Name the requirements of the catalogue."""
    path: Path | None = context.params.get("cases")
    own = _root(path.absolute()) / _CATALOGUE if path is not None else None
    catalogue = own if own is not None and own.is_file() else _builtin() / _CATALOGUE
    return _ID.findall(_text(catalogue))


@_completion
def readings(_context: click.Context, _incomplete: str) -> Iterable[str]:
    """Name the readings of each interpretation."""
    from lockproof.conformance.language.interpretations import reading_of
    from lockproof.conformance.language.loading import load_interpretations

    known = load_interpretations().values()
    return (reading_of(each.id, choice) for each in known for choice in each.readings)


@_completion
def targets(context: click.Context, _incomplete: str) -> Iterable[str]:
    """Name kinds of targets, models, the kernels that are here, and what targets.toml has names for."""
    from lockproof.runners.kernels import known
    from lockproof.runners.target import known_targets

    kernels = (f"qemu:{kernel.name}" for kernel in known())
    return (*known_targets(), *kernels, "command:", *_named(context.params.get("targets_file")))


def _named(path: Path | None) -> Iterable[str]:
    """Name the targets and groups of a file; None: of the nearest one. A file with mistakes has none."""
    from lockproof.conformance import targets_file

    try:
        made = targets_file.load(path) if (path := path or targets_file.find()) else targets_file.TargetsFile()
    except LockproofError:
        return ()
    return (*made.targets, *(f"@{group}" for group in made.groups))


@_completion
def kernels(_context: click.Context, _incomplete: str) -> Iterable[str]:
    """Name the kernels that are here."""
    from lockproof.runners.kernels import known

    return (kernel.name for kernel in known())


@_completion
def models(_context: click.Context, _incomplete: str) -> Iterable[str]:
    """Name the models."""
    from lockproof.runners.models import model_names

    return model_names()


@_completion
def mutants(_context: click.Context, _incomplete: str) -> Iterable[str]:
    """Name the mutants of the reference model."""
    from lockproof.runners.models.mutants import mutants as all_mutants

    return (mutant.name for mutant in all_mutants())


@_completion
def fetchable(_context: click.Context, _incomplete: str) -> Iterable[str]:
    """Name the kernels that the lists of packages offer which were fetched last."""
    from lockproof.runners.kernels.debian import offered_names

    return sorted(offered_names())


def sources(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Name what a kernel can be built from: Debian's sources, or a path."""
    names = fetchable(context, parameter, incomplete) if incomplete.startswith("debian/"[: len(incomplete)]) else []
    return [*(name for name in names if "@" not in name.value), *paths(context, parameter, incomplete)]


@_completion
def reports(_context: click.Context, _incomplete: str) -> Iterable[str]:
    """Name the kinds of reports, and their options."""
    from lockproof.conformance.reports.kinds import KINDS

    return (name for kind, about in KINDS.items() for name in (kind, *(f"{kind}:{each}" for each in about.options)))


@_completion
def runs(context: click.Context, _incomplete: str) -> Iterable[str]:
    """Name the runs in the folder of results."""
    results: Path = context.params["results"]
    return sorted(run.parent.name for run in results.glob("*/run.json"))


@_completion
def architectures(_context: click.Context, _incomplete: str) -> Iterable[str]:
    """Name the architectures that probes are compiled for."""
    from lockproof.runners.architectures import ARCHITECTURES

    return ARCHITECTURES


@_completion
def shims(_context: click.Context, _incomplete: str) -> Iterable[str]:
    """Name the shims."""
    from lockproof.runners.shims import NAMES

    return NAMES


def paths(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Leave it to the shell to name files."""
    return [CompletionItem(incomplete, type="file")]


# The words that bash makes of a line end at : and = and @ too, which names of targets have: click is given the line up
# to the cursor instead, -1 meaning its last word, and what bash keeps of that word is taken off the answers again.
_BASH = """\
%(complete_func)s() {
    local line=${COMP_LINE:0:COMP_POINT} last=-1 prefix="" word cut response type value

    [[ $line == *[[:blank:]] ]] && last=999
    response=$(env COMP_WORDS="$line" COMP_CWORD=$last %(complete_var)s=bash_complete "$1")
    word=${line##*[[:blank:]]}
    word=${word#--*=}
    for cut in : = @; do
        if [[ $COMP_WORDBREAKS == *"$cut"* && $word == *"$cut"* ]]; then
            cut=${word%%"$cut"*}$cut
            (( ${#cut} > ${#prefix} )) && prefix=$cut
        fi
    done
    while IFS=, read -r type value; do
        if [[ $type == dir ]]; then
            compopt -o dirnames
        elif [[ $type == file ]]; then
            compopt -o default
        elif [[ $type == plain ]]; then
            COMPREPLY+=("${value#"$prefix"}")
            [[ $value == *[/:] ]] && compopt -o nospace
        fi
    done <<<"$response"
    return 0
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""

# As click has it, but without a blank behind what is only the beginning of a name.
_ZSH = """\
#compdef %(prog_name)s

%(complete_func)s() {
    local -a whole begun described response
    local type key descr
    (( ! $+commands[%(prog_name)s] )) && return 1

    response=("${(@f)$(env COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) \
%(complete_var)s=zsh_complete %(prog_name)s)}")
    for type key descr in ${response}; do
        if [[ $type == dir ]]; then
            _path_files -/
        elif [[ $type == file ]]; then
            _path_files -f
        elif [[ $type == plain && $descr != _ ]]; then
            described+=("$key:$descr")
        elif [[ $type == plain && $key == *[/:] ]]; then
            begun+=("$key")
        elif [[ $type == plain ]]; then
            whole+=("$key")
        fi
    done
    (( $#described )) && _describe -V unsorted described -U
    (( $#begun )) && compadd -U -S '' -V unsorted -a begun
    (( $#whole )) && compadd -U -V unsorted -a whole
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""

# As click has it, but with the whole of a help that has a comma in it, and with what stands before the = of an option.
_FISH = """\
function %(complete_func)s
    set -l response (env %(complete_var)s=fish_complete COMP_WORDS=(commandline -cp | string collect) \
COMP_CWORD=(commandline -t) %(prog_name)s)
    set -l option (string match --regex -- "^--[^=]+=" (commandline -t))
    for completion in $response
        set -l part (string split --max 1 "," $completion)
        switch $part[1]
            case dir
                __fish_complete_directories $part[2]
            case file
                __fish_complete_path $part[2]
            case plain
                echo "$option$part[2]"
        end
    end
end

complete --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"
"""


class _Bash(BashComplete):
    source_template = _BASH


class _Zsh(ZshComplete):
    source_template = _ZSH


class _Fish(FishComplete):
    source_template = _FISH


add_completion_class(_Bash)
add_completion_class(_Zsh)
add_completion_class(_Fish)
