from __future__ import annotations

from pathlib import Path

import pytest

import settings
from core.errors import StartFailed
from settings import Settings


def test_defaults_lie_under_the_home(tmp_path: Path) -> None:
    found = settings.load({"PORTAL_HOME": str(tmp_path)})
    assert found.database == f"sqlite:///{tmp_path}/portal.db" and found.models_path == tmp_path / "models" and found.embedded


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "portal.yaml").write_text("port: 9000\nslots: 3\n")
    found = settings.load({"PORTAL_HOME": str(tmp_path), "PORTAL_PORT": "9001"})
    assert (found.port, found.slots) == (9001, 3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORTAL_PORT", "http"),
        ("PORTAL_PORT", "70000"),
        ("PORTAL_SECURE_COOKIE", "maybe"),
        ("PORTAL_KV_TYPE", "f8"),
        ("PORTAL_FLASH_ATTENTION", "yes"),
        ("PORTAL_STREAMS", "two"),
        ("PORTAL_SPLIT_MODE", "tensor"),
        ("PORTAL_MAIN_GPU", "99"),
        ("PORTAL_GPU_SHARES", "1;2"),
        ("PORTAL_DATABASE_URL", "mysql://x"),
        ("PORTAL_ELASTICSEARCH_URL", "es:9200"),
        ("PORTAL_REDIS_URL", "redis:6379"),
        ("PORTAL_LOG_LEVEL", "LOUD"),
        ("PORTAL_LOG_FORMAT", "xml"),
        ("PORTAL_LOG_DAYS", "0"),
        ("PORTAL_RESPONSE_DAYS", "-1"),
        ("PORTAL_PROGRAM_FILE_DAYS", "0"),
        ("PORTAL_MAX_BATCH_MB", "0"),
        ("PORTAL_STORE_RESPONSES", "maybe"),
        ("PORTAL_ROLLOVER_MB", "0"),
        ("PORTAL_ALLOWED_HOSTS", "portal.example:8443"),
        ("PORTAL_ALLOWED_HOSTS", "*"),
        ("PORTAL_ALLOWED_HOSTS", "http://portal.example"),
        ("PORTAL_TRUSTED_PROXIES", "proxy.example"),
        ("PORTAL_TRUSTED_PROXIES", "10.0.0.1,0.0.0.0/0"),
        ("PORTAL_CONNECTIONS_PER_ADDRESS", "3"),
        ("PORTAL_METRICS_TOKEN", "short"),
        ("PORTAL_NOTICE_DAYS", "0"),
        ("PORTAL_TIME_ZONE", "Mars/Base"),
        ("PORTAL_TIME_ZONE", "../etc/passwd"),
        ("PORTAL_ALERT_DAYS", "0"),
        ("PORTAL_SMTP_PORT", "0"),
        ("PORTAL_TASK_STEPS", "0"),
        ("PORTAL_TASK_MINUTES", "0"),
        ("PORTAL_TASK_TOKENS", "99"),
        ("PORTAL_SMTP_SECURITY", "ssl"),
        ("PORTAL_SMTP_HOST", "mail.corp.example"),
        ("PORTAL_SMTP_USER", "portal"),
        ("PORTAL_PDF_FONT", "/nowhere/font.ttf"),
        ("PORTAL_PROFILE", "everything"),
        ("PORTAL_DRAIN_SECONDS", "-2"),
        ("PORTAL_DRAIN_NOTICE_SECONDS", "601"),
        ("PORTAL_PROT", "1"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_names_itself(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(StartFailed, match=name):
        settings.load({"PORTAL_HOME": str(tmp_path), name: value})


def test_a_server_with_others_beside_it_lets_answers_finish_unless_told_otherwise() -> None:
    shared = "postgresql://portal@localhost/portal"
    assert (Settings().drain_s, Settings(database_url=shared).drain_s) == (0, 20)
    assert (Settings(drain_seconds=5).drain_s, Settings(database_url=shared, drain_seconds=0).drain_s) == (5, 0)


@pytest.mark.parametrize("content", ["- a\n- b\n", "port: [", "color: red\n", "\x00"])
def test_a_wrong_configuration_file_stops_the_start(tmp_path: Path, content: str) -> None:
    (tmp_path / "portal.yaml").write_text(content)
    with pytest.raises(StartFailed):
        settings.load({"PORTAL_HOME": str(tmp_path)})


def test_a_named_configuration_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match=r"nowhere\.yaml"):
        settings.load({"PORTAL_HOME": str(tmp_path), "PORTAL_CONFIG": str(tmp_path / "nowhere.yaml")})


def test_settings_of_the_first_model_that_do_not_go_together_stop_the_start(tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match="needs flash attention"):
        settings.load({"PORTAL_HOME": str(tmp_path), "PORTAL_KV_TYPE": "q8_0", "PORTAL_FLASH_ATTENTION": "off"})
    found = settings.load({"PORTAL_HOME": str(tmp_path), "PORTAL_GPU_SHARES": "3, 1", "PORTAL_STREAMS": "unified"})
    assert (found.first_load.gpu_shares, found.first_load.streams, found.first_load.main_gpu) == ((3.0, 1.0), "unified", None)


def test_a_renamed_setting_is_read_by_its_old_name_too(tmp_path: Path) -> None:
    assert settings.load({"PORTAL_HOME": str(tmp_path), "PORTAL_PARKING_DISK_MB": "7"}).offload_disk_mb == 7
    (tmp_path / "portal.yaml").write_text("parking_disk_mb: 8\n")
    assert settings.load({"PORTAL_HOME": str(tmp_path)}).offload_disk_mb == 8
