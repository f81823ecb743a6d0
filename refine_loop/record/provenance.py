"""What a run was made from, written before anything is sent: profile, native configs, hashes, versions."""

import hashlib
import json
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from columns.declared import CASES_FILE
from designer_configs.compile.checks.project import PROJECT_ROOT, Project
from designer_configs.compile.native import OFFLINE_PORT, CompiledProfile, format_config
from designer_configs.compile.profile import Profile
from files.hashes import begin_hashes, record_files, write_recorded
from files.secret_text import mask_secrets
from gold_data.store import Gold
from refine_loop.errors import RunInputError

PROFILE_FILE = "profile.yaml"
PROVENANCE = "provenance.json"
DOCUMENT = "effective_profile"  # the text of profile.yaml, by which a change is known and a loss made good
CODE = "code"  # the hash of our own Python
WENT_ON = "went_on"  # what a run went on with, in order
REJUDGED = "rejudged.json"  # of a run whose rows are another's, judged again
DECLARING = (".yaml", ".json")  # files of a dataset's folder that say what a row is
EXPORTS = "exports"  # folder of a dataset's formats, which make no row
ROOMS = ("refine_loop", "jobs", "designer_configs", "columns", "indicators", "gold_data", "files")
DISTRIBUTIONS = ("synthetic-trade-logs", "data-designer", "langgraph", "polars", "numpy")


def write_inputs(folder: Path, profile: Profile, compiled: CompiledProfile, gold: Gold) -> None:
    """Write what a run is made from, and begin to record the hashes of its files; `profile.yaml` comes last.

    A folder that has a profile has all that a run goes on with.
    """
    begin_record(folder)
    write_provenance(describe_provenance(profile, gold), folder)
    write_native(folder, profile, compiled)
    write_profile(profile, folder)


def begin_record(folder: Path) -> None:
    """Begin to record the hashes of a run's files, with those of its gold."""
    begin_hashes(folder)
    record_files([path for path in sorted((folder / "gold").iterdir()) if path.is_file()], folder)


def write_provenance(provenance: Mapping[str, Any], folder: Path) -> None:
    """Write `provenance.json`."""
    write_recorded(f"{json.dumps(provenance, indent=2)}\n".encode(), folder / PROVENANCE, folder)


def write_profile(profile: Profile, folder: Path) -> None:
    """Write `profile.yaml`, the effective profile."""
    write_recorded(profile.to_yaml().encode(), folder / PROFILE_FILE, folder)


def write_native(folder: Path, profile: Profile, compiled: CompiledProfile) -> None:
    """Write the provider that Data Designer's own commands need, and `data_designer.yaml`, the whole flow.

    The latter is not written where the gold is disguised: those commands would send it as it is.
    """
    providers = yaml.safe_dump({"providers": [describe_provider(profile)]}, sort_keys=False)
    write_recorded(providers.encode(), folder / "data_designer_home" / "model_providers.yaml", folder)
    if profile.gold.disguise:
        return
    whole = format_config(
        compiled.whole,
        "The whole flow in one job, for Data Designer's own commands; with DATA_DESIGNER_HOME=data_designer_home they "
        "find the provider. What its `create` makes are drafts: every row is judged, those too that fail the checks, "
        "and none is refined, accepted or rejected. For accepted rows: tradelogs generate.",
    )
    write_recorded(whole.encode(), folder / "data_designer.yaml", folder)


def describe_provider(profile: Profile) -> dict[str, Any]:
    """Describe the provider as Data Designer's own commands read it; a key is named, never written."""
    provider = profile.provider
    endpoint = provider.endpoint or f"http://127.0.0.1:{OFFLINE_PORT}/v1"
    return {
        "name": provider.name,
        "endpoint": endpoint,
        "provider_type": provider.provider_type,
        "api_key": provider.api_key_env,
    }


def describe_provenance(profile: Profile, gold: Gold) -> dict[str, Any]:
    """Collect the hash of every input, the versions, the seed, the command line and what was left out of the gold."""
    inputs = [path for path in (*profile.gold.files.values(), profile.gold.split) if path]
    return {
        "command_line": mask_secrets(shlex.join(["tradelogs", *sys.argv[1:]])),
        "profile": profile.name,
        "changes": [mask_secrets(change) for change in profile.changes],
        "seed": profile.run.seed,
        DOCUMENT: profile.to_yaml(),
        "sha256": hash_files([*inputs, profile.path, *list_laws(profile), *list_code(profile)]),
        CODE: hash_code(),
        "versions": read_versions(DISTRIBUTIONS),
        "gold": {
            "rows": gold.rows.height,
            "rejected_rows": gold.rejected.height,
            "bars": gold.bars.height if gold.bars is not None else 0,
            "notes": gold.notes,
        },
    }


def list_laws(profile: Profile) -> list[Path]:
    """List the files that say what a profile's rows are: its controls, and the columns of its dataset."""
    folder, project = profile.dataset.folder, Project(profile.dataset.root, PROJECT_ROOT)
    controls = project.list_controls(folder)
    used = {controls[use.name] for use in profile.controls}
    declared = {path for path in folder.rglob("*") if path.suffix in DECLARING and path.parent.name != EXPORTS}
    others = {path for name, path in controls.items() if path not in used} | {folder / CASES_FILE}
    return sorted({*used, *project.list_shared_columns(folder).values(), *declared} - others)


def list_code(profile: Profile) -> list[Path]:
    """List a dataset's own Python."""
    return sorted(profile.dataset.folder.rglob("*.py"))


def hash_code() -> str:
    """Hash the Python of the rooms that have a part in what a row becomes: one hash for all of it."""
    digest = hashlib.sha256()
    for path in sorted(path for room in ROOMS for path in (PROJECT_ROOT / room).rglob("*.py")):
        digest.update(f"{path.relative_to(PROJECT_ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def read_provenance(folder: Path) -> dict[str, Any]:
    """Read what a run was made from.

    Raises:
        RunInputError: it cannot be read.
    """
    path = folder / PROVENANCE
    try:
        provenance = json.loads(path.read_text(encoding="utf-8"))
        provenance.setdefault(WENT_ON, []).extend(())
    except (OSError, ValueError, AttributeError) as exc:
        raise RunInputError(
            f"{path} cannot be read ({exc}): it is damaged, and says what the run was made from"
        ) from exc
    return dict(provenance)


def read_document(provenance: Mapping[str, Any]) -> str | None:
    """Read the text of the profile that a run was last at work with; None of a run that kept none."""
    known = [str(said[DOCUMENT]) for said in (provenance, *provenance[WENT_ON]) if DOCUMENT in said]
    return known[-1] if known else None


def find_changed(provenance: Mapping[str, Any], profile: Profile) -> tuple[dict[str, str], dict[str, str]]:
    """Find what is another by now than a run was last at work with: laws, and code; each with its hash of now.

    What a run says no hash of is not known to have changed.
    """
    notes = [note for note in provenance.get(WENT_ON, ()) if isinstance(note, Mapping)]
    known = dict(provenance.get("sha256", {})) | {CODE: provenance.get(CODE)} | provenance.get("versions", {})
    for note in notes:
        known |= note.get("sha256", {})
    laws = hash_files(list_laws(profile))
    code = {**hash_files(list_code(profile)), CODE: hash_code(), **read_versions(DISTRIBUTIONS)}
    changed = [{name: now for name, now in each.items() if known.get(name) not in (None, now)} for each in (laws, code)]
    return changed[0], changed[1]


def describe_changes(profile: Profile) -> str | None:
    """Say, of a profile that a run has kept, what it uses that is another by now; None where nothing is."""
    if profile.path.name != PROFILE_FILE or not (profile.path.parent / PROVENANCE).is_file():
        return None
    laws, code = find_changed(read_provenance(profile.path.parent), profile)
    named = [*laws, *map(name_code, code)]
    if not named:
        return None
    return f"changed since {profile.path.parent} was made, so the same seed gives other rows: {', '.join(named)}"


def name_code(name: str) -> str:
    """Name a part of the code as a person does."""
    return "our own code" if name == CODE else name


def read_versions(distributions: Sequence[str]) -> dict[str, str]:
    """Read the versions of distributions, and Python's."""
    return {name: version(name) for name in distributions} | {"python": platform.python_version()}


def hash_files(paths: list[Path]) -> Mapping[str, str]:
    """Hash files, by their path: below the project as it is there, elsewhere in full."""
    return {_name_path(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def _name_path(path: Path) -> str:
    full = path.resolve()
    return str(full.relative_to(PROJECT_ROOT)) if full.is_relative_to(PROJECT_ROOT) else str(full)
