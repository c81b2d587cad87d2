"""Google's libraries cost half a second and 20 MiB: nobody pays who does not ask Google.

google.auth is left out: the Kubernetes client imports it.
"""

import os
import subprocess
import sys
from pathlib import Path

JOBS = """
version: 1
targets:
  plain: {namespace: omtx-hub, url: "APP"}
  gke: {namespace: omtx-hub, gke: {project: p, location: us-central1-a, cluster: c}}
defaults: {timeout: 20s}
jobs:
- {name: nodes, kind: version-check, target: plain, manual: true}
- {name: tidy, kind: cleanup-pods, target: gke, manual: true, params: {older_than: 1h}}
- {name: copy, kind: backup, target: plain, manual: true}
- {name: health, kind: http-check, target: plain, manual: true, params: {checks: [{path: /health}]}}
- {name: google, kind: version-check, target: gke, manual: true}
"""
SCRIPT = """
import asyncio, sys
from pathlib import Path
from maintd.app.daemon import Daemon
from maintd.app.house import open_house
from maintd.cli import jobsfile
from maintd.config.settings import Settings
from maintd.sandbox.app import SampleApp
from maintd.sandbox.server import Sandbox
from maintd.sandbox.world import broken_world

def loaded():
    return sorted(name for name in sys.modules if name in ("google.protobuf", "google.api_core", "grpc")
                  or name.startswith("google.cloud."))

async def main(folder):
    async with Sandbox() as box, SampleApp() as app:
        broken_world(box)
        (folder / "jobs.yaml").write_text((folder / "jobs.yaml").read_text().replace("APP", app.url))
        settings = Settings(
            jobs_file=folder / "jobs.yaml",
            storage=f"file://{folder}/store",
            http_address="127.0.0.1:0",
            gke_endpoint="gke.invalid:443",
        )
        jobs = jobsfile.load(settings.jobs_file)
        kubeconfig = box.kubeconfig(folder / "kubeconfig")
        async with open_house(settings, embedded=kubeconfig) as house:
            daemon = Daemon(house, jobs)
            serving = asyncio.create_task(daemon.run(jobsfile.edits(jobs, settings)))
            for job in jobs.jobs:
                run = await house.runner.run_now(job, job.mode, actor="a test", reason="")
                print(job.name, run.status, loaded(), sep="|")
            daemon.stop()
            await serving

asyncio.run(main(Path(sys.argv[1])))
"""


def test_google_is_loaded_by_the_first_question_to_google_and_by_nothing_before(tmp_path: Path) -> None:
    (tmp_path / "jobs.yaml").write_text(JOBS)

    script = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    # A file of credentials that is not there: Google's libraries say so at once, and look nowhere else.
    env = os.environ | {"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "none.json")}

    done = subprocess.run(script, env=env, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    rows = [line.split("|") for line in done.stdout.splitlines() if "|" in line]
    before = [(name, modules) for name, status, modules in rows if status in ("ok", "attention")]
    assert before == [(name, "[]") for name in ("nodes", "tidy", "copy", "health")]
    assert rows[-1][:2] == ["google", "partial"]
    assert "google.cloud.container_v1" in rows[-1][2]
