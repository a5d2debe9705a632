from __future__ import annotations

import pytest

from seqctx.artifacts.dataset_stats import (
    BookStats,
    DatasetStats,
    MotifStats,
    Packing,
    StrategyStats,
)
from seqctx.catalog.gpus import Gpu
from seqctx.catalog.lookup import find_model
from seqctx.config.config import Config, load_config
from seqctx.errors import InputError
from seqctx.plan.options import ComparedOptions, compare_options
from tests.conftest import ROOT

LLAMA = find_model("meta-llama/Llama-3.1-8B")
assert LLAMA is not None
MISSION = load_config(ROOT / "axolotl_configs" / "llama-3.1-8b-qlora-32gb.yaml")
FUSED = MISSION.replace(
    plugins=["axolotl.integrations.liger.LigerPlugin"], liger_fused_linear_cross_entropy=True
)
SMALL = Gpu("small", memory_gib=10, architecture="ada", usable_gib=9.8)
RECURRENCES = {2048: 0.25, 4096: 0.50, 8192: 0.55}


def stats(
    *, recurrences: dict[int, float] = RECURRENCES, scenes_cut: int = 2, packed_rows: int = 95
) -> DatasetStats:
    """A book of 200,000 tokens in 100 examples."""
    compared = [
        StrategyStats(
            strategy=name, sequence_len=n, examples=int(204_800 / n / (1 - share)),
            whole_motifs=5, motif_share=0.05, recurrence_share=min(1, seen + share / 5),
            scenes_cut=0 if name == "scenes" else scenes_cut)
        for n, seen in recurrences.items()
        for name, share in (("sequential", 0), ("overlap 25 %", 0.25), ("overlap 50 %", 0.5),
                            ("scenes", 0))
    ]  # fmt: skip
    motif = MotifStats(text="t", kind="term", mentions=(1, 9000), places=2, surprise=9, whole_in=0)
    book = BookStats(
        path="b.md", title="B", tokens=200_000, chapters=(), chunks=(), scenes=40, long_scenes=3,
        chapters_cut=0,
        scenes_cut=scenes_cut, paragraphs_cut=0, dialogues_cut=0, motifs=(motif,) * 100,
        compared=tuple(compared), length_for_motifs={}, length_for_recurrences={}, pairs={},
    )  # fmt: skip
    return DatasetStats(
        strategy="sequential", sequence_len=2048, template_tokens=64, repeated_tokens=0,
        trained_twice_tokens=0, books=(book,), near_duplicates=(),
        unpacked=Packing(rows=100, efficiency=0.9, steps_per_epoch=25),
        packed=Packing(rows=packed_rows, efficiency=0.95, steps_per_epoch=24),
    )  # fmt: skip


def choose(
    goal: str, cfg: Config = MISSION, gpu: str | Gpu | None = None, **given: object
) -> ComparedOptions:
    return compare_options(cfg, stats(**given), goal=goal, gpu=gpu, model=LLAMA)  # type: ignore[arg-type]


def test_four_inputs_change_the_choice() -> None:
    """One for each of the four options, and cutting at scenes; the numbers alone decide."""
    assert choose("voice").choice == "stay at 2,048"
    assert choose("structure").choice == "go to 4,096"
    assert choose("structure", gpu="rtx-4060-ti-16gb").choice == "go to 4,096, fused loss"
    assert choose("structure", FUSED, SMALL).choice == "overlap 25 %"
    assert choose("throughput", packed_rows=60).choice == "pack"
    assert choose("voice", scenes_cut=20).choice == "cut at scenes"
    # and back, by the same numbers
    assert choose("throughput").choice == "stay at 2,048"
    assert choose("structure", recurrences=dict.fromkeys(RECURRENCES, 0.25)).choice != "go to 4,096"


@pytest.mark.parametrize("goal", ["voice", "structure", "throughput"])
@pytest.mark.parametrize("card", ["rtx-3060-12gb", "rtx-4060-ti-16gb", "rtx-5090", "h200"])
def test_the_choice_fits_if_any_option_does(goal: str, card: str) -> None:
    """On 12 GB the file's own loss fits at no length, a fused one does."""
    comparison = choose(goal, gpu=card)
    assert comparison.chosen.memory.fits
    if card == "rtx-3060-12gb":
        assert comparison.choice.endswith("fused loss")


def test_a_gpu_too_small_for_every_option_is_named() -> None:
    tiny = Gpu("tiny", memory_gib=6, architecture="ada", usable_gib=5.7)
    comparison = choose("voice", gpu=tiny)
    assert (
        not comparison.chosen.memory.fits and "Not even this length fits" in comparison.reasons[0]
    )


def test_text_prepared_for_another_length_is_refused() -> None:
    with pytest.raises(InputError, match="prepared for 2048. Run seqctx prepare again"):
        choose("voice", MISSION.replace(sequence_len=4096))


def test_reasons_carry_their_numbers() -> None:
    text = " ".join(choose("structure").reasons)
    assert "50%" in text and "25%" in text and "8,192 would add only 5%" in text
    text = " ".join(choose("structure", FUSED, SMALL).reasons)
    assert "4,096 needs" in text and "stay in separate examples" in text


def test_a_length_that_leaves_few_examples_is_not_chosen() -> None:
    comparison = choose("structure", recurrences={2048: 0.25, 4096: 0.5, 65536: 0.99}, gpu="h200")
    assert comparison.choice == "go to 4,096"
    small = stats().model_copy(
        update={"books": tuple(
            b.model_copy(update={"compared": tuple(
                w.model_copy(update={"examples": w.examples // 12}) for w in b.compared
            )}) for b in stats().books
        )}
    )  # fmt: skip
    comparison = compare_options(MISSION, small, goal="structure", model=LLAMA)
    assert comparison.choice != "go to 4,096"
    assert "4,096 would leave only 4 examples." in comparison.reasons


def test_common_advice_is_computed_for_this_manuscript() -> None:
    usual = " ".join(choose("voice").usual)
    assert "here 3 of 40 scenes are that long" in usual
    assert "fits the 31.4 GiB of this GPU" in usual
    assert "25 % first: here examples show 30% of the recurrences, 25% without, for 1.3" in usual
    assert "does not fit" in " ".join(choose("voice", gpu="rtx-4060-ti-16gb").usual)


def test_options_side_by_side() -> None:
    options = {option.name: option for option in choose("voice").options}
    stay = options["stay at 2,048"]
    assert stay.time == stay.steps == 1
    # half an overlap shows twice the text, in twice the examples
    half = options["overlap 50 %"]
    assert half.examples == 2 * stay.examples
    assert half.time == pytest.approx(2, abs=0.05)
    assert options["overlap 25 %"].time == pytest.approx(4 / 3, abs=0.03)
    # twice the length costs a little more arithmetic, not twice to four times
    assert 1 < options["go to 4,096"].time < 1.1
    assert options["go to 4,096"].memory.allocated > stay.memory.allocated
    assert options["pack"].memory == stay.memory


def test_a_longer_length_that_only_a_fused_loss_fits_is_found() -> None:
    names = [o.name for o in choose("structure", gpu="rtx-4060-ti-16gb").options]
    assert "go to 4,096, fused loss" in names or "go to 8,192, fused loss" in names


def test_a_missing_gpu_or_measurement_is_named() -> None:
    with pytest.raises(InputError, match="gpu: cpu has no GPU memory to plan"):
        choose("voice", gpu="cpu")
    empty = stats().model_copy(update={"books": ()})
    with pytest.raises(InputError, match="has no stats for a length"):
        compare_options(MISSION, empty, goal="voice", model=LLAMA)
