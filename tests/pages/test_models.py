from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import InvalidInput, NotAllowed, StoredError
from core.models.load_settings import Adapter, LoadSettings
from core.models.memory_records import DeviceMemory, MemoryPlan
from core.models.records import AdapterFile, LoadedModel, ModelFile, ModelKind, ModelState
from core.models.start_records import Crash, StartModel
from core.people.records import Role, User
from pages.widgets.models.files.by_path import add_path
from samples.fakes import FILE, MODEL
from tests.pages.seeded import Stage, as_role, page, stage, texts

OTHER = ModelFile(Path("/models/glm-4-9b.gguf"), "glm-4-9b", 3_000_000_000, "glm4", "Q4_K_M", 9_400_000_000, 32_768, 40)
HUGE = ModelFile(Path("/models/glm-4-32b.gguf"), "glm-4-32b", 34_600_000_000, "glm4", "Q8_0", 32_600_000_000, 32_768, 61)
BAD = ModelFile(
    Path("/models/cut.gguf"), "cut", 1_000,
    error=StoredError("The file is cut: 6.2 GB of tensors are announced, 1 kB is there. Download it again."),
)

PLAN = MemoryPlan("CPU", 3_000_000_000, 1, 1_000, 8_000_000_000, 16_000_000_000, 4096, 4)


@pytest.fixture
def made(tmp_path) -> Iterator[Stage]:
    room = stage(tmp_path, empty=True)
    yield room
    room.portal.close()


def keys(drawn: AppTest) -> set[str]:
    return {button.key for button in drawn.button}


def test_only_admins_run_models(made: Stage) -> None:
    refused = page("models", made, as_role(made.admin, Role.MANAGER))
    assert "does not allow this" in texts(refused) and "card" not in keys(refused)
    with pytest.raises(NotAllowed):
        made.portal.models.unload(as_role(made.admin, Role.MANAGER), "fake")


def test_a_loaded_model_shows_its_file_and_its_measurements(made: Stage) -> None:
    busy = replace(MODEL, slots_busy=3, waiting=2, tokens_per_second=38.2, memory_bytes=31_900_000_000)
    made.pool.models = [busy]
    shown = texts(page("models", made))
    for words in (
        "Serving",
        "Default",
        "glm4 · Q4_K_M",
        "/models/fake.gguf",
        "38 tok/s",
        "3 of 4",
        "<dd>2</dd>",
        "4,096",
        "CPU",
        "31.9 GB",
    ):
        assert words in shown, words


def test_a_model_name_is_shown_as_it_is_and_not_as_markup(made: Stage) -> None:
    made.pool.models = [replace(MODEL, name="<b>![x](http://evil.example)", device="<script>alert(1)</script>")]
    shown = texts(page("models", made))
    assert "](http" not in shown and "<script>" not in shown


def test_nothing_else_to_load_says_what_to_do_next(made: Stage) -> None:
    shown = texts(page("models", made))
    assert "No other model to load" in shown and str(made.portal.models.folder) in shown


def test_no_model_at_all_says_that_nobody_can_ask(made: Stage) -> None:
    made.pool.models = []
    assert "No model is loaded" in texts(page("models", made))


def test_the_plan_that_fits_can_be_loaded_with_its_settings(made: Stage) -> None:
    made.pool.on_disk = [FILE, OTHER]
    drawn = page("models", made)
    assert "Fits, 5.0 GB to spare." in texts(drawn)
    drawn.button(key="models-load").click().run()
    assert made.pool.asked == [("load", OTHER.path)]


def test_the_plan_that_does_not_fit_says_by_how_much_and_cannot_be_loaded(made: Stage) -> None:
    made.pool.on_disk = [FILE, HUGE]
    drawn = page("models", made)
    assert "Short by 26.6 GB. The weights alone do not fit" in texts(drawn)
    assert drawn.button(key="models-load").disabled


def test_a_plan_that_does_not_fit_names_who_would_notice_an_unload(made: Stage) -> None:
    made.pool.on_disk = [FILE, HUGE]
    made.pool.models = [
        replace(MODEL, memory_bytes=30_000_000_000, slots_busy=2, waiting=1, default=True),
        replace(MODEL, name="small", memory_bytes=1_000_000_000, default=False),
    ]
    made.portal.model_access.set_group_model(made.admin, "Legal", "fake")
    drawn = page("models", made)
    shown = texts(drawn)
    assert "fake :gray[frees 30.0 GB]" in shown
    assert "2 answers are running there. 1 question is queued there. New chats use it. It is the default of Legal." in shown
    assert "evict-button-small" not in keys(drawn), "it would not free enough"
    drawn.button(key="evict-button-fake").click().run()
    assert "Running answers have 30 s to finish" in texts(drawn) and ("unload", "fake") not in made.pool.asked
    assert drawn.button(key="unload-yes").label == "Unload"
    made.pool.models = [replace(MODEL, memory_bytes=30_000_000_000, default=False)]
    made.portal.model_access.set_group_model(made.admin, "Legal", None)
    assert "Nobody is waiting for it now." in texts(page("models", made))


def test_the_limit_for_all_models_has_a_bar_of_its_own(made: Stage) -> None:
    made.pool.memory_budget = DeviceMemory("budget", 2_000_000_000, 8_000_000_000)
    assert "Memory for models" in (shown := texts(page("models", made))) and "2.0 GB free of 8.0 GB" in shown


def test_more_slots_than_fit_are_told_apart_from_weights_that_do_not(made: Stage) -> None:
    made.pool.on_disk = [FILE, OTHER]
    drawn = page("models", made)
    made.pool.plan = lambda file, settings: replace(  # type: ignore[method-assign]
        PLAN, slots=settings.slots or 4, context=settings.context or 4096, context_bytes=(settings.slots or 4) * 1_000_000_000
    )
    drawn.slider[0].set_value(16).run()
    assert "Short by 11.0 GB. Reduce the slots, the context or its precision." in texts(drawn)


def test_a_refused_load_says_why_and_leaves_the_running_model(made: Stage) -> None:
    made.pool.on_disk = [FILE, OTHER]
    made.pool.refuse = [InvalidInput("The file {name} is not a GGUF.", name="glm-4-9b.gguf")]
    drawn = page("models", made)
    drawn.button(key="models-load").click().run()
    shown = texts(drawn).replace("\\", "")
    assert "The file glm-4-9b.gguf is not a GGUF." in shown and "Serving" in shown
    assert ("unload", "fake") not in made.pool.asked


def test_an_unusable_file_is_listed_with_its_reason_and_not_offered(made: Stage) -> None:
    made.pool.on_disk = [FILE, BAD]
    drawn = page("models", made)
    assert "Download it again" in texts(drawn) and "models-plan" not in {box.key for box in drawn.selectbox}
    assert "Unusable" in str(drawn.dataframe[0].value["state"].tolist())


def test_a_loading_model_shows_how_far_it_is(made: Stage) -> None:
    loading = LoadedModel("glm-4-9b", ModelState.LOADING, OTHER, "v", "local", "CPU", progress=0.5)
    made.pool.models = [MODEL, loading]
    made.pool.on_disk = [FILE, OTHER]
    drawn = page("models", made)
    assert "Loading weights, 1.5 GB of 3.0 GB" in str([each.proto.text for each in drawn.get("progress")])
    drawn.button(key="dismiss-glm-4-9b").click().run()
    assert ("unload", "glm-4-9b") in made.pool.asked


def test_a_failed_load_keeps_its_sentence_until_it_is_dismissed(made: Stage) -> None:
    error = StoredError("It needs 9 GB; 2 GB are free.")
    made.pool.models = [MODEL, LoadedModel("glm-4-9b", ModelState.FAILED, OTHER, "", "local", "CPU", error=error)]
    made.pool.on_disk = [FILE, OTHER]
    drawn = page("models", made)
    shown = texts(drawn).replace("\\", "")
    assert "It needs 9 GB; 2 GB are free." in shown and "Other models are not affected" in shown
    assert drawn.selectbox(key="models-plan").value == str(OTHER.path)
    drawn.button(key="dismiss-glm-4-9b").click().run()
    assert ("unload", "glm-4-9b") in made.pool.asked


def test_a_model_that_serves_people_is_unloaded_only_after_a_question(made: Stage) -> None:
    made.pool.models = [MODEL, replace(MODEL, name="second", default=False, slots_busy=2)]
    drawn = page("models", made)
    drawn.menu_button(key="more-second").click("unload").run()
    assert ("unload", "second") not in made.pool.asked
    assert "2 answers are running there." in texts(drawn)
    assert drawn.button(key="unload-yes").label == "Unload"


def test_an_idle_model_can_become_the_default_or_go_at_once(made: Stage) -> None:
    made.pool.models = [MODEL, replace(MODEL, name="second", default=False)]
    drawn = page("models", made)
    drawn.menu_button(key="more-second").click("default").run()
    drawn.menu_button(key="more-second").click("unload").run()
    assert made.pool.asked == [("make_default", "second"), ("unload", "second")]


def test_a_model_for_vectors_says_so_and_is_offered_to_no_chat(made: Stage) -> None:
    vectors = replace(OTHER, name="bge-m3", path=Path("/models/bge-m3.gguf"), kind=ModelKind.EMBEDDING)
    made.pool.models = [MODEL, replace(MODEL, name="bge", default=False, file=replace(vectors, path=Path("/models/bge.gguf")))]
    made.pool.on_disk = [FILE, vectors]
    drawn = page("models", made)
    assert ":blue-badge[Embedding]" in texts(drawn) and "Texts in the batch" in texts(drawn)
    actions = ["Load at every start", "Who may use it", "When it leaves memory", "Swap for another file", "Unload"]
    assert drawn.menu_button(key="more-bge").options == actions
    assert "at /v1/embeddings or /v1/rerank" in texts(drawn)
    assert [box.label for box in drawn.checkbox] == ["Load at every start"]
    assert drawn.slider[0].label == "Texts in a batch"
    assert drawn.dataframe[0].value["kind"].tolist() == ["Chat", "Embedding"]
    drawn.button(key="models-load").click().run()
    assert made.pool.asked == [("load", vectors.path)]


def test_the_plan_of_a_model_for_vectors_offers_threads_and_a_process_of_its_own(made: Stage) -> None:
    vectors = replace(OTHER, kind=ModelKind.EMBEDDING)
    made.pool.on_disk = [vectors]
    asked: list[LoadSettings] = []
    made.pool.load = lambda path, settings, *, default=False: asked.append(settings) or MODEL  # type: ignore[method-assign,func-returns-value]
    drawn = page("models", made)
    drawn.number_input(f"plan-threads-{vectors.path}").set_value(3)
    drawn.toggle(f"plan-isolated-{vectors.path}").set_value(True)
    drawn.button("models-load").click().run()
    assert [(settings.isolated, settings.threads) for settings in asked] == [(True, 3)]


def test_a_model_that_reads_very_little_can_be_loaded(made: Stage) -> None:
    made.pool.on_disk = [replace(OTHER, kind=ModelKind.RERANKING, context=128)]
    drawn = page("models", made)
    assert "must be between" not in texts(drawn)
    drawn.button(key="models-load").click().run()
    assert made.pool.asked == [("load", OTHER.path)]


def test_once_a_model_is_loaded_the_browser_is_told_which_is_planned_now(made: Stage) -> None:
    """Left to itself it shows the name of the loaded one above the next one's plan."""
    third = replace(OTHER, name="third", path=Path("/models/third.gguf"))
    made.pool.on_disk = [FILE, OTHER, third]
    drawn = page("models", made)
    assert drawn.selectbox(key="models-plan").value == str(OTHER.path)
    made.pool.models = [MODEL, replace(MODEL, name="other", default=False, file=OTHER)]
    drawn.run()
    chosen = drawn.selectbox(key="models-plan")
    assert chosen.value == str(third.path) and chosen.proto.set_value


def test_a_path_typed_by_hand_is_asked_for_in_a_dialog(made: Stage) -> None:
    drawn = page("models", made)
    drawn.button(key="models-by-path").click().run()
    assert drawn.text_input(key="models-path").label == "Path of a GGUF file on the server"


def test_a_path_typed_by_hand_becomes_the_model_of_the_plan(made: Stage) -> None:
    drawn = page("models", made)
    drawn.session_state["models-typed"] = [str(OTHER.path)]
    drawn.session_state["models-wanted"] = str(OTHER.path)
    made.pool.read_file = lambda path: OTHER  # type: ignore[method-assign]
    drawn.run()
    assert drawn.selectbox(key="models-plan").value == str(OTHER.path)


def test_a_path_that_cannot_be_read_is_refused_with_its_reason(made: Stage) -> None:
    assert add_path(made.portal, made.admin, Path("/data/none.gguf")) == "The file /data/none.gguf does not exist."
    made.pool.read_file = lambda path: BAD  # type: ignore[method-assign]
    assert add_path(made.portal, made.admin, BAD.path) == str(BAD.error)


def test_the_page_speaks_chinese(made: Stage) -> None:
    assert "# 模型" in texts(page("models", made, language="zh"))


def test_the_page_says_how_the_slots_hold_their_conversations(made: Stage) -> None:
    made.pool.on_disk = [FILE, OTHER]
    assert "Each slot has its own KV cache" in texts(page("models", made))
    made.pool.plan = lambda file, settings: replace(PLAN, shared_tokens=6_144)  # type: ignore[method-assign]
    shown = texts(page("models", made))
    assert "4 slots share a KV cache of 6,144 tokens." in shown and "Separate caches would not fit." in shown


def test_gpu_settings_are_there_only_where_there_are_gpus(made: Stage) -> None:
    made.pool.on_disk = [FILE, OTHER]
    assert [each.label for each in page("models", made).number_input] == ["CPU threads"]
    made.pool.gpus = 1
    assert [each.label for each in page("models", made).number_input] == ["CPU threads", "GPU layers"]
    made.pool.gpus = 2
    drawn = page("models", made)
    assert "Share of each GPU" in [each.label for each in drawn.text_input]
    drawn.text_input(key=f"plan-shares-{OTHER.path}").set_value("3, 1").run()
    drawn.button(key="models-load").click().run()
    assert made.pool.settings[-1].gpu_shares == (3.0, 1.0)
    drawn.text_input(key=f"plan-shares-{OTHER.path}").set_value("much").run()
    assert "Enter shares as numbers separated by commas" in texts(drawn)


def test_the_settings_of_the_last_load_are_offered_again(made: Stage) -> None:
    made.pool.on_disk = [FILE, OTHER]
    made.pool.settings = [LoadSettings(context=2048, slots=7, kv_type="q8_0", streams="unified", threads=3)]
    page("models", made).button(key="models-load").click().run()
    assert made.pool.settings[-1] == made.pool.settings[0] and len(made.pool.settings) == 2


def test_adapters_made_for_the_model_are_offered_with_a_name_and_a_strength(made: Stage) -> None:
    made.pool.on_disk = [FILE, OTHER]
    made.pool.adapters_on_disk = [
        AdapterFile(Path("/models/legal v2.gguf"), "legal v2", 20_000_000, "glm4", 8),
        AdapterFile(Path("/models/other.gguf"), "other", 20_000_000, "deepseek2", 8),
        AdapterFile(Path("/models/bad.gguf"), "bad", 20, error=StoredError("bad.gguf is damaged: it changes nothing. Download it again.")),
    ]
    drawn = page("models", made)
    shown = texts(drawn)
    assert "adapter for glm4, rank 8" in shown and "it changes nothing" in shown
    choice = drawn.multiselect(key=f"plan-adapters-{OTHER.path}")
    assert choice.options == ["legal v2.gguf"]
    drawn = choice.set_value(["/models/legal v2.gguf"]).run()
    drawn.number_input(key="plan-adapter-scale-/models/legal v2.gguf").set_value(0.5).run()
    drawn.button(key="models-load").click().run()
    assert made.pool.settings[-1].adapters == (Adapter("legal-v2", Path("/models/legal v2.gguf"), 0.5),)
    drawn.text_input(key="plan-adapter-name-/models/legal v2.gguf").set_value("a:b").run()
    assert "is not a valid adapter name" in texts(drawn)


def test_a_loaded_model_names_its_adapters(made: Stage) -> None:
    made.pool.models = [replace(MODEL, adapters=("legal", "sql"))]
    assert "Adapters: legal, sql" in texts(page("models", made))


CRASH = Crash(datetime(2026, 11, 21, 9, 30, tzinfo=UTC), "guide", "decoding", 3, ("4f0c", "77ab"), "ggml.c:12: GGML_ASSERT(x) failed", 2)


def test_a_crash_of_the_last_run_is_reported(made: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made.portal.models, "last_crash", lambda user: CRASH)
    shown = texts(page("models", made))
    died = "while the model guide was computing 3 answers"
    for words in ("2026-11-21 09:30", died, "GGML_ASSERT(x) failed", "4f0c, 77ab", "2 runs in a row"):
        assert words in shown, words


def test_without_a_crash_nothing_is_reported(made: Stage) -> None:
    assert "native code" not in texts(page("models", made))


def test_a_model_whose_process_died_is_shown_as_restarting(made: Stage) -> None:
    made.pool.models = [replace(MODEL, state=ModelState.RESTARTING, error=StoredError("SIGABRT"), isolated=True)]
    shown = texts(page("models", made))
    assert "Restarting" in shown and "is restarting" in shown and "SIGABRT" in shown


def test_the_plan_can_ask_for_a_process_of_its_own(made: Stage) -> None:
    made.pool.on_disk = [OTHER]
    asked: list[LoadSettings] = []
    made.pool.load = lambda path, settings, *, default=False: asked.append(settings) or MODEL  # type: ignore[method-assign,func-returns-value]
    drawn = page("models", made)
    drawn.toggle(f"plan-isolated-{OTHER.path}").set_value(True)
    drawn.button("models-load").click().run()
    assert [settings.isolated for settings in asked] == [True]


def test_one_bar_says_what_is_free_and_no_card_says_another_amount(made: Stage) -> None:
    made.pool.models = [replace(MODEL, plan=PLAN, memory_bytes=2_000_000_000), replace(MODEL, name="second", plan=PLAN)]
    shown = texts(page("models", made))
    assert shown.count("<em>6.0 GB</em>") == 1 and "6.0 GB free of 16.0 GB" in shown
    assert "fake <em>2.0 GB" in shown and "Other programs <em>" in shown


@pytest.mark.parametrize("isolated", [True, False])
def test_a_model_that_is_stuck_says_so(made: Stage, isolated: bool) -> None:
    made.pool.models = [replace(MODEL, stuck_s=42.4, isolated=isolated)]
    shown = texts(page("models", made))
    assert "Stuck" in shown and "It has not completed a step for 42 s." in shown
    assert ("After 60 s its process is restarted" in shown) is isolated
    assert ("restart the portal" in shown) is not isolated


def test_a_load_is_kept_for_every_start_unless_that_is_switched_off(made: Stage) -> None:
    made.pool.on_disk = [FILE, OTHER]
    drawn = page("models", made)
    assert drawn.checkbox(key="models-at-start").value
    drawn.button(key="models-load").click().run()
    assert made.portal.models.names_at_start(made.admin) == {"fake"}
    drawn = page("models", made)
    drawn.checkbox(key="models-at-start").uncheck().run()
    drawn.button(key="models-load").click().run()
    assert made.portal.models.names_at_start(made.admin) == frozenset()


def test_a_model_that_was_not_loaded_at_the_start_is_reported_on_every_page_of_an_admin(made: Stage) -> None:
    made.portal.models.load(made.admin, OTHER.path, LoadSettings())
    made.pool.refuse = [InvalidInput("no"), InvalidInput("The file {file} does not exist.", file="/models/<b>.gguf")]
    made.portal.models.load_at_start(StartModel("guide", Path("/guide.gguf"), LoadSettings()), {})

    def banner(user: User) -> AppTest:
        def draw(portal: object, user: object) -> None:
            from pages.widgets.models.start_problems import start_problems

            start_problems(portal, user, here=True)

        return AppTest.from_function(draw, default_timeout=60, args=(made.portal, user)).run()

    drawn = banner(made.admin)
    shown = texts(drawn)
    assert "fake was not loaded at startup" in shown and "The file" in shown and "<b>" not in shown
    assert texts(banner(as_role(made.admin, Role.MANAGER))) == ""
    made.pool.models = []
    drawn.button(key="leaveout-fake").click().run()
    assert "fake" not in texts(banner(made.admin))


def test_of_many_unusable_files_only_some_are_explained(made: Stage) -> None:
    made.pool.on_disk = [FILE, *(replace(BAD, path=Path(f"/models/cut{number}.gguf")) for number in range(500))]
    shown = texts(page("models", made))
    assert shown.count("The file is cut") == 30 and "470 more files cannot be used." in shown
