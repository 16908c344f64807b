# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.errors import TargetError, UsageError
from lockproof.runners.architectures import ARCHITECTURES
from lockproof.runners.guest.machine import asked
from lockproof.runners.options import join, split, with_options
from lockproof.runners.target import make_target

if TYPE_CHECKING:
    from lockproof.runners.guest.machine import Asked

KERNEL = "debian/6.12"


def made(**options: str) -> Asked:
    """Ask for a machine on a host that could run it by KVM only where it is another one."""
    return asked("qemu:k", ARCHITECTURES["x86_64"].machine, options, has_kvm=False)


def test_options_are_read_in_any_order_and_written_in_one() -> None:
    options = {"memory": "1024", "smp": "2", "cpu": "max,+smep", "accel": "tcg", "append": "lsm= a=b+c@d"}
    for order in itertools.permutations(options):
        text = "qemu:debian/6.1+fault-injection@i386" + "".join(f"+{key}={options[key]}" for key in order)
        rest, found = split(text)
        assert (rest, found) == ("qemu:debian/6.1+fault-injection@i386", options)
        assert join(rest, found).endswith("+memory=1024+smp=2+cpu=max,+smep+accel=tcg+append=lsm= a=b+c@d")


def test_what_goes_without_saying_is_no_part_of_the_name() -> None:
    assert made(memory="512", smp="1", append="  ").options == {}
    assert made(memory="0512", append=" lsm= ").options == {"append": "lsm="}
    assert made(memory="1024", smp="2").options == {"memory": "1024", "smp": "2"}


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"memory": "1G"}, "memory='1G' is no number of MiB; write one from 64 to 1048576"),
        ({"memory": "-1"}, "memory='-1' is no number of MiB"),
        ({"memory": "10"}, "memory='10' is no number of MiB"),
        ({"memory": "9" * 5000}, "is no number of MiB"),
        ({"smp": "0"}, "smp='0' is no number of processors; write one from 1 to 255"),
        ({"smp": "٣"}, "is no number of processors"),
        ({"cpu": "max -S"}, "cpu='max -S' is no model of a processor; qemu-system-x86_64 -cpu help lists them"),
        ({"cpu": ""}, "is no model of a processor"),
        ({"accel": "tgc"}, "accel='tgc' is no accelerator; did you mean tcg?"),
        ({"accel": "kvm"}, "KVM does not run such a guest on this machine; leave out accel=kvm"),
        ({"append": "quiet console=ttyS1"}, "append has 'console=ttyS1', and the log of the kernel is read from it"),
        ({"append": '"console=tty 0"'}, "append has '\"console=tty 0\"', and the log"),
        ({"append": "init=/bin/sh"}, "the probe is the first process; leave it out"),
        ({"append": "rdinit=/bin/sh"}, "the probe is the first process; leave it out"),
        ({"append": "noinitrd"}, "the probe is in the first file system"),
        ({"append": "panic=0"}, "a kernel that breaks has to end its guest"),
        ({"append": "LOCKPROOF_CHANNEL=tty0"}, "the probe speaks there"),
        ({"append": "lsm= -- single"}, "append has '--', and what is behind it is none of the kernel's"),
        ({"append": "earlyprintk=serial,ttyS1"}, "the probe speaks on ttyS1; leave it out"),
        ({"append": 'lsm="'}, "has a quotation mark that is not closed; close it"),
        ({"append": "a" * 2100}, "append has 2100 bytes; write at most 1500"),
    ],
)
def test_what_would_break_a_guest_is_refused_in_one_line(option: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        made(**option)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_only_looks_so_is_taken() -> None:
    for append in ("lsm= slub_debug=FZP", "loglevel=7", 'dyndbg="file mlock.c +p"', "netconsole=1", "panic_on_warn=1"):
        assert made(append=append).append == append


def test_an_option_that_stands_there_twice_is_refused() -> None:
    for text in ("qemu:k+smp=2+smp=3", "qemu:k+append=a+append=a"):
        with pytest.raises(UsageError, match="is given twice"):
            split(text)
    with pytest.raises(UsageError, match="smp is given twice, here and as '4'; leave out one"):
        with_options("qemu:k+smp=2", {"smp": "4"})


@pytest.mark.parametrize("target", ["local", "model:posix", "command:ssh host ./probe", "gvisor"])
def test_targets_that_are_no_guests_take_no_machine(target: str) -> None:
    with pytest.raises(UsageError, match=r"takes no append; qemu: targets do"):
        with_options(target, {"append": "lsm="})
    assert with_options(target, {}) == target


@pytest.mark.qemu(KERNEL)
def test_an_unknown_option_is_told_with_the_one_that_was_meant() -> None:
    with pytest.raises(UsageError, match=r"no option is called 'memroy'; did you mean memory\?"):
        make_target(f"qemu:{KERNEL}+memroy=1024")


@pytest.mark.qemu(KERNEL)
def test_the_name_of_a_machine_names_it_again_and_no_other() -> None:
    name = make_target(f"qemu:{KERNEL}+append=lsm= +smp=2").name
    assert name == f"qemu:{KERNEL}+smp=2+append=lsm="
    assert make_target(name).name == name
    assert make_target(f"qemu:{KERNEL}+memory=512").name == f"qemu:{KERNEL}"


@pytest.mark.qemu(KERNEL)
def test_a_guest_has_the_machine_and_the_command_line_that_were_asked_for() -> None:
    with make_target(f"qemu:{KERNEL}+memory=256+smp=2+append=lsm= slub_debug=FZP").session() as session:
        info = session.info
        assert info.processors == 2
        assert info.command_line.endswith(" lsm= slub_debug=FZP")
        assert "256 MiB, 2 processors" in session.about


@pytest.mark.qemu(KERNEL)
def test_a_word_that_the_kernel_does_not_know_changes_nothing() -> None:
    with make_target(f"qemu:{KERNEL}+append=nonsense --help").session() as session:
        assert session.info.command_line.endswith(" nonsense --help")


@pytest.mark.qemu("debian/6.1+fault-injection")
def test_a_kernel_that_cannot_run_all_processors_is_none_with_that_many() -> None:
    target = make_target("qemu:debian/6.1+fault-injection+smp=2")
    with target.session() as session, pytest.raises(TargetError, match=r"runs 1 of 2 processors; ask for \+smp=1"):
        session.info.identity  # noqa: B018  to wait for it


@pytest.mark.qemu(KERNEL)
def test_a_model_of_a_processor_that_qemu_does_not_know_is_told_as_qemu_says_it() -> None:
    message = "unable to find CPU model 'nothing'"
    target = make_target(f"qemu:{KERNEL}+cpu=nothing")
    with target.session() as session, pytest.raises(TargetError, match=message):
        session.info.identity  # noqa: B018  to wait for it
