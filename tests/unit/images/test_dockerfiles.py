"""Every image is built the same careful way: pinned, hashed, not as root, our code last."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ROLES = ["mlflow", "pipeline", "rollout", "serving", "training"]
CODE = {
    "mlflow": [],
    "pipeline": ["millrace", "components", "pipelines"],
    "rollout": ["millrace", "serving"],
    "serving": ["millrace", "serving"],
    "training": ["millrace", "components"],
}


def instructions(role: str) -> list[str]:
    """Return the instructions of a role's Dockerfile, each on one line, without comments."""
    text = (ROOT / "images" / role / "Dockerfile").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return [line for line in "\n".join(lines).replace("\\\n", " ").splitlines() if line.strip()]


def final_stage(role: str) -> list[str]:
    """Return the instructions of the stage that becomes the image."""
    every = instructions(role)
    starts = [place for place, line in enumerate(every) if line.startswith("FROM ")]
    return every[starts[-1] :]


def installed(role: str) -> set[str]:
    """Return the packages of a role's requirements."""
    text = (ROOT / "requirements" / f"{role}.txt").read_text()
    return set(re.findall(r"^([A-Za-z0-9._-]+)(?:\[.*\])?==", text, re.MULTILINE))


def test_each_role_has_one_dockerfile() -> None:
    assert sorted(file.parent.name for file in (ROOT / "images").glob("*/Dockerfile")) == ROLES


@pytest.mark.parametrize("role", ROLES)
def test_every_stage_begins_with_the_one_pinned_base(role: str) -> None:
    bases = {line.split()[1] for line in instructions(role) if line.startswith("FROM ")}
    assert bases == {"python:3.11-slim-bookworm"}
    assert ":latest" not in "\n".join(instructions(role))


@pytest.mark.parametrize("role", ROLES)
def test_what_is_installed_is_pinned_and_hashed(role: str) -> None:
    runs = [line for line in instructions(role) if line.startswith("RUN ")]
    assert all("--require-hashes" in line for line in runs if "pip install" in line)
    assert any(f"sh /build/venv /build/{role}.txt" in line for line in runs)
    assert "--require-hashes" in (ROOT / "images/venv").read_text()
    assert installed(role)


@pytest.mark.parametrize("role", ROLES)
def test_nothing_is_fetched_but_from_package_indexes(role: str) -> None:
    lines = instructions(role)
    assert not [line for line in lines if line.startswith("ADD ")]
    assert not [line for line in lines if re.search(r"\b(curl|wget)\b|git clone", line)]


@pytest.mark.parametrize("role", ROLES)
def test_the_classic_builder_can_build_it(role: str) -> None:
    text = "\n".join(instructions(role))
    assert not re.search(r"RUN --|COPY --(chmod|link)|<<", text)


@pytest.mark.parametrize("role", ROLES)
def test_it_runs_as_a_user_without_rights(role: str) -> None:
    assert [line for line in final_stage(role) if line.startswith("USER ")] == ["USER 65532:65532"]


@pytest.mark.parametrize("role", [role for role in ROLES if CODE[role]])
def test_a_change_of_code_changes_the_last_layer_alone(role: str) -> None:
    layers = [line for line in final_stage(role) if line.startswith(("COPY ", "RUN "))]
    assert layers[-1] == "COPY --from=code /app /app"
    copied = [line for line in instructions(role) if line.startswith("COPY ")]
    ours = [line.split()[1] for line in copied if line.split()[-1].startswith("/app/")]
    assert ours == CODE[role]


@pytest.mark.parametrize("role", ROLES)
def test_the_final_stage_installs_nothing_with_pip_and_no_compiler(role: str) -> None:
    text = "\n".join(final_stage(role))
    assert not re.search(r"\bpip3? |\buv |gcc|build-essential|binutils", text)
    assert text.count("apt-get install") == (role == "rollout")


def test_all_images_share_their_first_layers() -> None:
    starts = {tuple(final_stage(role)[:2]) for role in ROLES}
    assert len(starts) == 1


@pytest.mark.parametrize("role", ROLES)
def test_an_image_says_what_it_is(role: str) -> None:
    text = "\n".join(final_stage(role))
    for key in ("title", "description", "licenses"):
        assert f"org.opencontainers.image.{key}=" in text


@pytest.mark.parametrize("role", ["pipeline", "serving", "training"])
def test_onnxruntime_is_told_to_send_nothing_home(role: str) -> None:
    assert "onnxruntime" in installed(role)
    assert "ORT_DISABLE_TELEMETRY=1" in "\n".join(final_stage(role))


def test_torch_is_in_the_training_image_alone() -> None:
    assert [role for role in ROLES if "torch" in installed(role)] == ["training"]


def test_the_context_holds_what_images_need_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule for rule in rules if rule.startswith("!")} == {
        *("!images/venv", "!requirements/*.txt"),
        *(f"!{package}" for packages in CODE.values() for package in packages),
    }
