from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from seqctx import CheckError, InputError, axolotl_mapping, diff, load_config, vllm_command
from seqctx.config.config import Config, parse_config
from seqctx.config.render import (
    VLLM_MAX_LORA_RANKS,
    adapter_name,
    annotated_yaml,
    base_name,
    max_lora_rank,
)
from seqctx.config.source import Document, parse_document
from tests.conftest import ROOT

SHIPPED = sorted((ROOT / "axolotl_configs").glob("*.yaml"))


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "c.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_axolotl_gets_every_key_of_a_shipped_file_as_it_stands(path: Path) -> None:
    raw = yaml.safe_load(path.read_text("utf-8"))
    got = axolotl_mapping(load_config(path), output_dir=Path("elsewhere"))
    del raw["seqctx"]
    written = {"output_dir": "elsewhere", "dataset_prepared_path": "elsewhere/run/tokenized"}
    assert got == {**raw, **written}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_a_shipped_file_names_what_prepare_writes_for_it(path: Path) -> None:
    cfg = load_config(path)
    named = [d.path for d in (*cfg.datasets, *cfg.test_datasets)]
    kinds = ("train-continues", "train-ends", "held_out-continues", "held_out-ends")
    assert named == [f"prepare/out/{path.stem}/{kind}.jsonl" for kind in kinds]
    assert Path(cfg.output_dir).name == path.stem


def test_the_missions_command() -> None:
    cfg = load_config(ROOT / "axolotl_configs" / "llama-3.1-8b-qlora-32gb.yaml")
    assert (cfg.sequence_len, cfg.lora_r, cfg.sample_packing) == (
        2048, 64, False,
    )  # fmt: skip
    assert vllm_command(cfg) == [
        "vllm", "serve", "meta-llama/Llama-3.1-8B-Instruct",
        "--served-model-name", "Llama-3.1-8B-Instruct",
        "--enable-lora", "--lora-modules",
        '{"name": "llama-3.1-8b-qlora-32gb", "path": "outputs/llama-3.1-8b-qlora-32gb"}',
        "--max-lora-rank", "64",
        "--host", "127.0.0.1", "--port", "8000", "--max-model-len", "64000",
        "--max-num-seqs", "9", "--gpu-memory-utilization", "0.9", "--dtype", "bfloat16",
    ]  # fmt: skip


def test_flags_of_every_kind(tmp_path: Path) -> None:
    flags = (
        "{enforce_eager: true, async-scheduling: false, allowed_origins: [a], "
        "hf_overrides: {f: 1}, seed: null, dtype: bfloat16, enable_reasoning: true}"
    )
    command = vllm_command(load_config(written(tmp_path, f"base_model: m\nvllm: {flags}\n")))
    assert command[-8:] == [
        "--enforce-eager", "--no-async-scheduling", "--allowed-origins", '["a"]',
        "--hf-overrides", '{"f": 1}', "--dtype", "bfloat16",
    ]  # fmt: skip


def test_lists_are_what_vllm_takes_for_each(tmp_path: Path) -> None:
    flags = (
        "{cudagraph_capture_sizes: [1, 2], middleware: [a.b, c.d], allowed_methods: [GET], "
        "allowed_media_domains: [x.org, y.org], lora_target_modules: []}"
    )
    command = vllm_command(load_config(written(tmp_path, f"base_model: m\nvllm: {flags}\n")))
    assert command[-12:] == [
        "--cudagraph-capture-sizes", "1", "2", "--middleware", "a.b", "--middleware", "c.d",
        "--allowed-methods", '["GET"]', "--allowed-media-domains", "x.org", "y.org",
    ]  # fmt: skip


@pytest.mark.parametrize("given", ["auto", -1])
def test_a_window_of_what_fits(tmp_path: Path, given: object) -> None:
    cfg = load_config(written(tmp_path, f"base_model: m\nvllm: {{max_model_len: {given}}}\n"))
    assert (cfg.vllm.max_model_len, cfg.vllm.window) == (-1, None)
    assert vllm_command(cfg)[-2:] == ["--max-model-len", "-1"]


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("max_model_len: 0", "must be at least 1, or auto"),
        ("max_model_len: wide", "max_model_len: must be a whole number"),
        ("served_model_name: [a, b]", "must be one name"),
    ],
)
def test_what_the_server_is_not_told(tmp_path: Path, block: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_config(written(tmp_path, f"base_model: m\nvllm: {{{block}}}\n"))


def test_two_models_have_two_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = load_config(written(tmp_path, "base_model: x/voice\noutput_dir: outputs/voice\n"))
    assert (base_name(cfg), adapter_name(cfg)) == ("voice", "voice-trained")
    monkeypatch.chdir(tmp_path)
    assert base_name(cfg.replace(base_model=".")) == tmp_path.name


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"base_model": "--config=/etc/hostname"}, "base_model"),
        ({"base_model": "-m"}, "base_model"),
        ({"base_model": "models/--host=0.0.0.0"}, "base_model"),
        ({"base_model": "models/--host=0.0.0.0/"}, "base_model"),
        ({"output_dir": "--config=x"}, "output_dir"),
        ({"output_dir": "outputs/--x"}, "output_dir"),
        ({"vllm": {"served_model_name": "--config=x"}}, "vllm.served_model_name"),
        ({"vllm": {"host": "--config=x"}}, "vllm.host"),
        ({"vllm": {"tokenizer": "--middleware=os.system"}}, "vllm.tokenizer"),
        ({"vllm": {"chat-template": "-x"}}, "vllm.chat-template"),
        ({"vllm": {"lora_modules": ["a=b", "--config=x"]}}, "vllm.lora_modules"),
        ({"vllm": {"middleware": ["--x"]}}, "vllm.middleware"),
        ({"vllm": {"seed": "--config=x"}}, "vllm.seed"),
    ],
    ids=str,
)
def test_what_begins_with_a_dash_is_refused(data: dict[str, Any], key: str) -> None:
    """Axolotl and vLLM would take it for a flag."""
    with pytest.raises(
        InputError, match=rf"^f: {key}: must not begin with a dash.* \(got"
    ) as error:
        parse_config(Document("f", {"base_model": "m", **data}, {}))
    assert len(str(error.value).splitlines()) == 1


def test_negative_numbers_and_secrets_may_begin_with_a_dash() -> None:
    block = {"max_model_len": -1, "seed": "-1", "api_key": "-k", "hf_token": "-t"}
    command = vllm_command(parse_config(Document("f", {"base_model": "m", "vllm": block}, {})))
    assert command[-2:] == ["--seed", "-1"]


def test_a_folder_whose_own_name_begins_with_a_dash_needs_another_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "--x").mkdir()
    monkeypatch.chdir(tmp_path / "--x")
    cfg = parse_config(Document("f", {"base_model": "."}, {}))
    with pytest.raises(InputError, match="Set vllm.served_model_name"):
        vllm_command(cfg)
    assert "novel" in vllm_command(cfg.replace(vllm__served_model_name="novel"))


@pytest.mark.parametrize("others", ["mine=path", ["mine=path"], [{"name": "m", "path": "p"}]])
def test_other_adapters_are_served_beside_ours(tmp_path: Path, others: Any) -> None:
    block = json.dumps({"lora_modules": others})
    text = f"base_model: m\nadapter: lora\noutput_dir: out/voice\nvllm: {block}\n"
    command = vllm_command(load_config(written(tmp_path, text)))
    assert command.count("--lora-modules") == 1
    ours, theirs = command[command.index("--lora-modules") + 1 :][:2]
    assert json.loads(ours) == {"name": "voice", "path": "out/voice"}
    assert theirs in ("mine=path", '{"name": "m", "path": "p"}')


def test_signs_in_a_folders_name_reach_vllm_whole(tmp_path: Path) -> None:
    text = "base_model: m\nadapter: lora\noutput_dir: 'outputs/lr=1e-4,a'\n"
    command = vllm_command(load_config(written(tmp_path, text)))
    module = json.loads(command[command.index("--lora-modules") + 1])
    assert module == {"name": "lr=1e-4,a", "path": "outputs/lr=1e-4,a"}


@pytest.mark.parametrize(("rank", "flag"), [(1, 1), (2, 8), (16, 16), (17, 32), (512, 512)])
def test_rank_is_rounded_up_to_what_vllm_takes(rank: int, flag: int) -> None:
    assert max_lora_rank(rank) == flag
    assert flag in VLLM_MAX_LORA_RANKS


def test_rank_beyond_vllm() -> None:
    with pytest.raises(CheckError, match="513"):
        max_lora_rank(513)


def test_empty_blocks_mean_the_defaults(tmp_path: Path) -> None:
    cfg = load_config(written(tmp_path, "base_model: m\nvllm:\nseqctx:\nadapter:\n"))
    assert cfg == load_config(written(tmp_path, "base_model: m\n"))


def test_a_config_is_frozen_compares_by_value_and_pickles(tmp_path: Path) -> None:
    cfg = load_config(written(tmp_path, "base_model: m\nlora_dropout: 0.1\n"))
    with pytest.raises(InputError, match=r"base_model: a Config cannot be changed\. Make a .*copy"):
        cfg.base_model = "n"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(cfg)) == cfg


def test_overrides_are_validated_and_leave_the_rest(tmp_path: Path) -> None:
    path = written(tmp_path, "base_model: m\nvllm: {port: 8000, dtype: auto}\n")
    cfg = load_config(path, {"vllm.port": 8001, "seqctx.prepare.held_out": 0.5})
    assert (cfg.vllm.port, cfg.vllm.model_extra, cfg.seqctx.prepare.held_out) == (
        8001, {"dtype": "auto"}, 0.5,
    )  # fmt: skip
    with pytest.raises(InputError, match=r"vllm.port: .*65535 \(got 65536\)"):
        load_config(path, {"vllm.port": 65536})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"\xff\xfe\x00", "not UTF-8 text (byte 0)"),
        ("a: [1\nb: 2\n", "c.yaml:2: not valid YAML"),
        ("- a\n", "the top level must be a mapping of keys (got list)"),
        ("", "the top level must be a mapping of keys (got nothing)"),
        ("!!python/object/apply:os.system [id]", "not valid YAML"),
        ("sequence_len: 1\n", "base_model: missing. Add it."),
        ("base_model: m\nsequence_len: -5\n", "sequence_len: must be at least 1 (got -5)."),
        ("base_model: m\nseqctx: {prepare: {overlp: 1}}\n", "Did you mean 'overlap'?"),
    ],
)
def test_bad_files_say_where_and_what(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(InputError) as error:
        load_config(written(tmp_path, text))
    assert message in str(error.value)
    assert str(tmp_path / "c.yaml") in str(error.value)


@pytest.mark.parametrize("value", [".", "/", "''", "./"])
def test_output_dir_must_be_a_folder_of_its_own(tmp_path: Path, value: str) -> None:
    with pytest.raises(InputError, match=r"c.yaml:2: output_dir: .*must name a folder of its own"):
        load_config(written(tmp_path, f"base_model: m\noutput_dir: {value}\n"))


def test_all_problems_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        load_config(written(tmp_path, "sequence_len: 0\nlora_r: 0\nadapter: [x]\n"))
    assert len(str(error.value).splitlines()) == 4


def test_a_config_hashes_replaces_and_shows_as_a_table(tmp_path: Path) -> None:
    cfg = load_config(written(tmp_path, "base_model: m<b>\nlora_dropout: 0.1\n"))
    assert hash(cfg) == hash(cfg.replace()) and len({cfg, cfg.replace()}) == 1
    longer = cfg.replace(sequence_len=4096, vllm__port=9000)
    assert (cfg.sequence_len, longer.sequence_len, longer.vllm.port) == (512, 4096, 9000)
    assert diff(cfg, longer) == {"sequence_len": (512, 4096), "vllm.port": (8000, 9000)}
    with pytest.raises(InputError, match="sequence_len") as error:
        cfg.replace(sequence_len=-5, lora_alhpa=3)
    assert "Did you mean 'lora_alpha'?" in str(error.value)
    table = longer._repr_html_()
    assert "m&lt;b&gt;" in table and "vllm.port" in table and "[tokens]" in table


def test_a_copy_keeps_the_keys_of_its_plugins(tmp_path: Path) -> None:
    liger = "plugins: [axolotl.integrations.liger.LigerPlugin]\nliger_rope: true\n"
    cfg = load_config(written(tmp_path, f"base_model: m\n{liger}"))
    assert cfg.replace(sequence_len=4096).get("liger_rope") is True


def test_a_table_in_a_notebook_shows_control_characters_as_signs(tmp_path: Path) -> None:
    cfg = load_config(written(tmp_path, 'base_model: m\noutput_dir: "\\e[2J<b>\\u202e"\n'))
    assert r"<td>\x1b[2J&lt;b&gt;\u202e</td>" in cfg._repr_html_()


TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Z"))).filter(bool)
NAMES = TEXTS | st.sampled_from(["010", "1:30", "no", "2e-4", "null", "~", "1_000", "0x1f", "- a"])
ARGUMENTS = NAMES.filter(lambda name: not any(part.startswith("-") for part in name.split("/")))
WHOLE = st.integers(-(2**63) + 1, 2**63 - 1)
FLOATS = st.floats(-1e18, 1e18)
PASSED = st.none() | st.booleans() | WHOLE | FLOATS | NAMES
GIVEN = st.fixed_dictionaries(
    {"base_model": ARGUMENTS},
    optional={
        "sequence_len": st.integers(1, 10**6),
        "num_epochs": st.floats(0.1, 10),
        "adapter": st.sampled_from(["lora", "qlora", None]),
        "lora_r": st.integers(1, 512),
        "lora_target_modules": NAMES.map(re.escape) | st.lists(NAMES),  # a text is a pattern
        "datasets": st.lists(
            st.fixed_dictionaries({"path": NAMES}, optional={"type": NAMES}), min_size=1
        ),
        "learning_rate": st.floats(0, 1),
        "special_tokens": st.fixed_dictionaries({"pad_token": NAMES}),
        "wandb_project": PASSED,
        "model_config": st.dictionaries(NAMES, PASSED | st.lists(PASSED)),
        "vllm": st.fixed_dictionaries(
            {},
            optional={"port": st.integers(1, 65535), "seed": ARGUMENTS, "hf_overrides": ARGUMENTS},
        ),
        "seqctx": st.fixed_dictionaries(
            {},
            optional={
                "gpu": NAMES,
                "prepare": st.fixed_dictionaries(
                    {}, optional={"system": NAMES, "held_out": st.floats(0, 0.9)}
                ),
            },
        ),
    },
)


@settings(deadline=None, max_examples=300)
@given(GIVEN, TEXTS)
def test_what_is_rendered_reads_back_equal(data: dict[str, Any], header: str) -> None:
    cfg = parse_config(Document("c.yaml", data, {}))
    text = annotated_yaml(cfg, header)
    assert parse_config(parse_document(text, "c.yaml")) == cfg


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda cfg: load_config(5), "path: must be a str or Path (got int). Name a YAML file."),
        (lambda cfg: parse_config(Document("n", {}, {}), {5: 1}), "overrides: must be a str"),
        (lambda cfg: parse_config("a: 1"), "document: must be a Document (got str)."),
        (lambda cfg: parse_config(Document("n", {}, {}), 5), "overrides: must be a Mapping"),
        (lambda cfg: cfg.replace(nonsense=1), "replace: nonsense: unknown key;"),
        (lambda cfg: cfg.replace(vllm=5), "replace: vllm: must be a mapping of keys (got 5)."),
        (lambda cfg: cfg.replace(vllm__port="x"), "vllm.port: must be a whole number (got 'x')."),
        (lambda cfg: vllm_command({}), "cfg: must be a Config (got dict). Make one with load"),
        (lambda cfg: axolotl_mapping({}), "cfg: must be a Config (got dict)."),
        (lambda cfg: axolotl_mapping(cfg, output_dir=3), "output_dir: must be a str or Path"),
        (lambda cfg: diff(cfg, 3), "new: must be a Config (got int)."),
        (lambda cfg: setattr(cfg, "lora_r", 4), "lora_r: a Config cannot be changed. Make a"),
        (lambda cfg: setattr(cfg, "other", 4), "other: a Config cannot be changed."),
        (lambda cfg: setattr(cfg.vllm, "port", 4), "port: a Vllm cannot be changed."),
        (lambda cfg: delattr(cfg, "lora_r"), "lora_r: a Config cannot be changed."),
        (lambda cfg: cfg.replace(5), "replace: takes keys by name (got int). Write cfg.replace("),
        (lambda cfg: cfg.replace({"lora_r": 4}), "replace: takes keys by name (got dict)."),
        (lambda cfg: Config("c.yaml"), "Config: takes keys by name, such as base_model=... (got s"),
        (lambda cfg: Config(), "Config: base_model: missing. Add it."),
        (lambda cfg: Config(base_model=5), "Config: base_model: must be text (got 5)."),
        (lambda cfg: Config(base_model="m", adapter="x"), "Config: adapter: must be one of lora"),
        (lambda cfg: vllm_command(cfg, program=5), "program: must be a tuple or list (got int)."),
    ],
)
def test_a_wrong_argument_is_one_sentence(call: Any, message: str) -> None:
    with pytest.raises(InputError) as raised:
        call(parse_config(Document("c.yaml", {"base_model": "m"}, {})))
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("lora_r: 0", "lora_r: must be at least 1 (got 0). Change the value."),
        ("num_epochs: 0", "num_epochs: must be above 0 (got 0)."),
        ("load_in_4bit: maybe", "load_in_4bit: must be true or false (got 'maybe')."),
        ("datasets: a", "datasets: must be a list (got 'a')."),
        ("vllm: {gpu_memory_utilization: 2}", "must be at most 1 (got 2)."),
        ("vllm: {host: 3}", "vllm.host: must be text (got 3)."),
        ("seqctx: {goal: speed}", "must be 'voice', 'structure' or 'throughput' (got 'speed')."),
        ("seqctx: {prepare: {keep_matter: true}}", "Did you mean 'keep_front_and_back_matter'?"),
        ("seqctx: {prepare: {xyz: true}}", "seqctx.prepare.xyz: unknown key. Delete it."),
    ],
)
def test_wrong_values_say_in_plain_words_what_they_must_be(
    tmp_path: Path, line: str, message: str
) -> None:
    with pytest.raises(InputError) as raised:
        load_config(written(tmp_path, f"base_model: m\n{line}\n"))
    assert message in str(raised.value)
