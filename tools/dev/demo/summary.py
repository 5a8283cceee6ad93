"""What came of the demo, for people."""


def _outputs(instances, task):
    for instance in instances:
        if instance["task"] == task:
            return instance.get("outputs") or {}
    return {}


def _state(instances, task):
    return next((one["state"] for one in instances if one["task"] == task), "absent")


def describe(run, instances, minute_run, restarts):
    """Returns the lines of the summary."""
    metrics = _outputs(instances, "evaluate").get("metrics", {})
    deployed = _outputs(instances, "deploy")
    lines = [f"run {run['id']} of ml.train ended: {run['state']}, {run['duration_s']:.1f} s, "
             f"{len(instances)} instances", "", f"  {'model':<22} {'accuracy':>9} {'auc':>8}"]
    for name, values in metrics.items():
        mark = "  <- deployed" if name == deployed.get("deployed") else ""
        lines.append(f"  {name:<22} {values['accuracy']:>9.4f} {values['auc']:>8.4f}{mark}")
    lines.append("")
    if deployed:
        lines.append(f"deployed: {deployed['deployed']}, as {deployed['path']}")
    else:
        lines.append(f"nothing was deployed (deploy: {_state(instances, 'deploy')})")
    if _state(instances, "neural_network") == "failed":
        lines.append("the neural network did not converge in two attempts: its backup path, "
                     f"nearest neighbours, ended {_state(instances, 'nearest_neighbours')}")
    lines.append(f"the minute fired by itself: run {minute_run['id']} for slot {minute_run['slot']} "
                 f"ended {minute_run['state']}")
    if restarts:
        lines.append(f"the engine was killed and started again {restarts} times meanwhile")
    return lines


def further(binaries, data, examples, run_id):
    """Returns the commands with which to look further."""
    ctl = f"{binaries}/pinionctl --server {data}/pinion.sock"
    return ["To look further, start the engine again over what the demo left:",
            f"  {binaries}/pinion standalone --data {data} --workflows {examples}",
            "and from another shell:",
            f"  {ctl} get runs --workflow ml.train",
            f"  {ctl} describe {run_id}",
            f"  {ctl} logs {run_id}/neural_network --attempt all",
            f"  {ctl} graph {run_id}",
            f"  {ctl} trigger ml.train --wait --param seed=8",
            f"  {ctl} get audit"]
