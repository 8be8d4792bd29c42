"""The profiles: what they ask of Snakemake exists; a grid through Slurm, where there is one."""

import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from importlib.util import find_spec

import pytest
import yaml

from xstilts.paths import ROOT, BadInput
from xstilts.profiles import PROFILES, read_profile

STOCK = {path.name: yaml.safe_load((path / "config.yaml").read_text())
         for path in PROFILES.iterdir()}  # fmt: skip
RULES = set(re.findall(r"^rule (\w+):", (ROOT / "papermill_runs/Snakefile").read_text(), re.M))
NO_GPU = {"all", "reports", "report"}
PLUGIN = find_spec("snakemake_executor_plugin_slurm")
GRID = "settings: [tiny-xlmr]\nseeds: [1]\nrecipes: [mnli]\ntargets: []\nretrieval: true\n"


@pytest.mark.parametrize("name", STOCK)
def test_snakemake_knows_every_option(name):
    from snakemake.cli import get_argument_parser

    known = set(get_argument_parser()._option_string_actions)
    unknown = {key for key in STOCK[name] if f"--{key}" not in known}
    if not PLUGIN and name == "slurm":
        assert all(key.startswith("slurm-") for key in unknown)
        pytest.skip("no snakemake-executor-plugin-slurm: its own options are not looked up")
    assert not unknown


def test_on_slurm_all_rules_but_reports_have_a_gpu():
    asked = STOCK["slurm"]["set-resources"]
    assert {rule for rule, one in asked.items() if one["gpu"]} == RULES - NO_GPU
    assert {"mem_mb", "runtime"} <= STOCK["slurm"]["default-resources"].keys()
    assert all({"mem_mb", "runtime"} <= one.keys() for one in asked.values())


def test_where_workers_are_cores_and_where_jobs(tmp_path):
    here = read_profile("laptop", 3)
    assert here.words == ["--profile", str(PROFILES / "laptop"), "--cores", "3"]
    assert "--cores" in read_profile("laptop").words and here.stop == signal.SIGTERM
    (tmp_path / "config.yaml").write_text("executor: cluster\n")
    name = "snakemake_executor_plugin_cluster"
    with pytest.raises(BadInput, match="pip install snakemake-executor-plugin-cluster"):
        read_profile(str(tmp_path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("importlib.util.find_spec", {name: True}.get)
        there = read_profile(str(tmp_path), 3)
        assert read_profile(str(tmp_path)).words == ["--profile", str(tmp_path)]
    assert there.words[2:] == ["--jobs", "3"] and there.stop == signal.SIGINT


def test_a_profile_that_is_none_is_named(tmp_path):
    with pytest.raises(BadInput, match="no profile 'slrum': did you mean 'slurm'"):
        read_profile("slrum")
    for text, words in (("- a list", "no op"), ("executor: [", "not YAML"), ("", "no op")):
        (tmp_path / "config.yaml").write_text(text)
        with pytest.raises(BadInput, match=f"config.yaml.*: {words}"):
            read_profile(str(tmp_path))


def test_an_option_that_snakemake_does_not_know_is_told(checkout):
    (checkout.root / "mine").mkdir()
    (checkout.root / "mine/config.yaml").write_text("latency-wiat: 5\n")
    done = checkout.call("xstilts", "run", checkout.grid(GRID), "--profile", "mine")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert "unrecognized arguments: --latency-wiat=5" in done.stderr


@pytest.fixture
def slurm(checkout):
    """A checkout on a machine that is its own Slurm node, and a profile that asks for little."""
    if not PLUGIN or not shutil.which("sbatch"):
        pytest.skip("no Slurm here, or no snakemake-executor-plugin-slurm")
    nodes = said("sinfo", "--noheader", "--Node", "--format=%N").split()
    if set(nodes) != {socket.gethostname().split(".")[0]}:
        pytest.skip(f"Slurm's nodes are not this machine alone: {nodes or 'no answer'}")
    folder = checkout.root / "little"
    folder.mkdir()
    options = STOCK["slurm"] | {
        "slurm-init-seconds-before-status-checks": 1,
        "default-resources": {"mem_mb": 1500, "runtime": "10m"},
        "set-resources": {"model": {"runtime": "9m"}},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(options))
    return checkout, ["xstilts", "run", checkout.grid(GRID), "--profile", folder]


def said(*words) -> str:
    return subprocess.run(words, capture_output=True, text=True, timeout=60).stdout


@pytest.mark.slow
def test_a_grid_through_slurm_leaves_what_the_laptop_leaves(slurm):
    checkout, words = slurm
    done = checkout.call(*words, XSTILTS_OUT="relative")  # made absolute, or the node has no such
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 runs, as slurm jobs" in done.stdout and "2 of 2 runs are done" in done.stdout
    log = (checkout.root / "relative/snakemake.log").read_text()
    assert len(re.findall("has been submitted with SLURM jobid", log)) == 2
    here = checkout.call(*words[:3])
    assert here.returncode == 0, here.stdout + here.stderr
    found = {place.name: sorted((path.relative_to(place), path.read_bytes())
                                for path in place.glob("tiny*/*/*/scores.csv"))
             for place in (checkout.out, checkout.root / "relative")}  # fmt: skip
    assert found["out"] and found["out"] == found["relative"]


@pytest.mark.slow
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_grid_leaves_no_slurm_job(slurm, sign):
    checkout, words = slurm
    sleep = "run.folder('begun')\\n__import__('time').sleep(999)\\nmodel = run"
    slow = checkout.read("02_intermediate").replace("model = run", sleep)
    checkout.write("02_intermediate", slow)
    with subprocess.Popen([sys.executable, "-m", *map(str, words)], cwd=checkout.root,
                          env=checkout.environment(), text=True, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, preexec_fn=hearing) as child:  # fmt: skip
        until = time.time() + 100
        while not list(checkout.out.glob("*/*/*/begun")) and time.time() < until:
            time.sleep(0.2)
        (name,) = re.findall(r"SLURM run ID: (\S+)", (checkout.out / "snakemake.log").read_text())
        running = said("squeue", "--noheader", "--name", name, "--format=%T")
        child.send_signal(sign)
        heard = child.communicate(timeout=60)[1]
    assert "RUNNING" in running and "interrupted" in heard and child.returncode == 130
    until = time.time() + 30
    while (left := said("squeue", "--noheader", "--name", name)) and time.time() < until:
        time.sleep(0.5)
    assert not left


def hearing():
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's "&" leaves it deaf
