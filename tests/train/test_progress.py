from __future__ import annotations

from seqctx.train.progress import read_progress

# Lines as Axolotl 0.19 with transformers 5.16 printed them, shortened.
LINES = """\
[2026-11-23 22:18:07,173] [INFO] [axolotl.utils.data.sft] Loading raw datasets...
[2026-11-23 22:18:20,176] [INFO] [axolotl.utils.data.sft] Maximum number of steps set at 2
[2026-11-23 22:18:26,768] [INFO] [axolotl.train] Starting trainer...
[2026-11-23 22:18:27,228] [INFO] [axolotl.core.trainers.base] Running evaluation step...
100%|##########| 2/2 [00:06<00:00,  2.10s/it]
{'eval_loss': '3.684', 'eval_runtime': '10.53', 'eval_ppl': '39.79', 'epoch': 0}
 50%|#####     | 1/2 [00:30<02:30, 30.05s/it]
{'loss': '4.076', 'grad_norm': '0.4534', 'tokens/total': 1728, 'epoch': '0.5'}
{'loss': '3.631', 'grad_norm': '0.4168', 'tokens/total': 3456, 'epoch': '1'}
100%|##########| 2/2 [01:31<00:00, 17.08s/it]
{'a': broken
[2026-11-23 22:20:04,329] [INFO] [axolotl.core.trainers.base] Running evaluation step...
{'eval_loss': 'nan', 'eval_runtime': '8.34', 'epoch': '1'}
{'train_runtime': '106', 'train_loss': '3.872', 'epoch': '1'}
[2026-11-23 22:20:13,272] [INFO] [axolotl.train] Training completed! Saving trained model to out.
""".splitlines()


def test_losses_steps_and_stages() -> None:
    events = list(read_progress(LINES))
    assert [e.stage for e in events if e.point is None and e.step in (0, 2)] == [
        "tokenizing", "tokenizing", "starting", "evaluating", "evaluating", "saving the adapter",
    ]  # fmt: skip
    points = [e.point for e in events if e.point]
    assert [(p.step, p.loss, p.eval_loss) for p in points[:3]] == [
        (0, None, 3.684), (1, 4.076, None), (2, 3.631, None),
    ]  # fmt: skip
    assert points[3].eval_loss != points[3].eval_loss  # nan is kept, and found later
    assert {e.total for e in events[1:]} == {2}


def test_saving_between_two_losses_does_not_lose_count() -> None:
    lines = ["Maximum number of steps set at 25", "Starting trainer"]
    for step in range(1, 26):
        lines.append(f" 4%| | {step}/25 [00:30<")
        if step % 10 == 0:
            lines += [f"{{'loss': {step}.0, 'epoch': 1.0}}", "Saving model checkpoint to out"]
    events = list(read_progress(lines))
    assert [(e.point.step, e.point.loss) for e in events if e.point] == [(10, 10.0), (20, 20.0)]
    assert events[-1].step == 25


def test_steps_are_counted_without_axolotls_total() -> None:
    lines = ["Starting trainer", " 0%| | 0/30 [00:00<", " 33%| | 10/30 [00:30<"]
    events = list(read_progress([*lines, "{'loss': 2.0, 'epoch': 1.0}"]))
    assert events[-1].point and events[-1].point.step == 10
    assert events[-1].total == 30


def test_sparse_logging_takes_the_step_from_the_bar() -> None:
    lines = ["Maximum number of steps set at 100", "Starting trainer", " 50%| | 50/100 [00:30<"]
    events = list(read_progress([*lines, "{'loss': 2.0, 'epoch': 1.0}"]))
    assert events[-1].point and events[-1].point.step == 50
