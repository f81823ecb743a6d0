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

from designer_configs.compile.checks.project import PROJECT_ROOT, SHARED_CONTROLS
from designer_configs.compile.native import OFFLINE_PORT, CompiledProfile, write_config
from designer_configs.compile.profile import Profile
from files.secret_text import mask_secrets
from files.whole_file import write_text
from gold_data.store import Gold

PROFILE_FILE = "profile.yaml"
DECLARING = (".yaml", ".json", ".py")  # files of a dataset's folder that say what a row is
DISTRIBUTIONS = ("synthetic-trade-logs", "data-designer", "langgraph", "polars", "numpy")


def write_inputs(folder: Path, profile: Profile, compiled: CompiledProfile, gold: Gold) -> None:
    """Write `provenance.json`, `data_designer.yaml` and the providers its own commands need, `profile.yaml` last.

    A folder that has a profile has all that a run goes on with.
    """
    write_text(json.dumps(describe_provenance(profile, gold), indent=2) + "\n", folder / "provenance.json")
    write_flow(folder, profile, compiled)
    providers = yaml.safe_dump({"providers": [describe_provider(profile)]}, sort_keys=False)
    write_text(providers, folder / "data_designer_home" / "model_providers.yaml")
    write_text(profile.to_yaml(), folder / PROFILE_FILE)


def write_flow(folder: Path, profile: Profile, compiled: CompiledProfile) -> None:
    """Write the whole flow, unless the gold is disguised: Data Designer's own commands would send it as it is."""
    if profile.gold.disguise:
        return
    write_config(
        compiled.whole,
        folder / "data_designer.yaml",
        "The whole flow in one job, for Data Designer's own commands; with DATA_DESIGNER_HOME=data_designer_home they "
        "find the provider. What its `create` makes are drafts: every row is judged, those too that fail the checks, "
        "and none is refined, accepted or rejected. For accepted rows: tradelogs generate.",
    )


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
    folder, roots = profile.dataset.folder, {PROJECT_ROOT, profile.dataset.root}
    shared = {path for root in roots for path in (root / SHARED_CONTROLS).glob("*.yaml")}
    declared = [*shared, *(path for path in folder.rglob("*") if path.suffix in DECLARING)]
    return {
        "command_line": mask_secrets(shlex.join(["tradelogs", *sys.argv[1:]])),
        "profile": profile.name,
        "changes": [mask_secrets(change) for change in profile.changes],
        "seed": profile.run.seed,
        "sha256": hash_files([*inputs, profile.path, *sorted(declared)]),
        "versions": read_versions(DISTRIBUTIONS),
        "gold": {
            "rows": gold.rows.height,
            "rejected_rows": gold.rejected.height,
            "bars": gold.bars.height if gold.bars is not None else 0,
            "notes": gold.notes,
        },
    }


def read_versions(distributions: Sequence[str]) -> dict[str, str]:
    """Read the versions of distributions, and Python's."""
    return {name: version(name) for name in distributions} | {"python": platform.python_version()}


def hash_files(paths: list[Path]) -> Mapping[str, str]:
    """Hash files, by their path: below the project as it is there, elsewhere in full."""
    return {_name_path(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def _name_path(path: Path) -> str:
    full = path.resolve()
    return str(full.relative_to(PROJECT_ROOT)) if full.is_relative_to(PROJECT_ROOT) else str(full)
