"""Tell how the run went, whatever happened: the exit handler."""

from kfp import dsl

from components.policy import Policy, component

POLICY = Policy(role="pipeline", cached=False, memory="1Gi", retries=2, timeout=300)


@component(POLICY)
def summarize(
    workload: str,
    run: str,
    job: str,
    signal: str,
    pipeline: str,
    status: dsl.PipelineTaskFinalStatus,
    summary: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
) -> None:
    """Write the run's summary, metrics and report. Runs at the end of every run.

    Args:
        workload: folder of the workload.
        run: name of the run; empty for the KFP job's.
        job: id of the KFP job.
        signal: what asked for the run.
        pipeline: which pipeline it is a run of: retraining or materialization.
        status: how the steps ended, by KFP.
        summary: all that the steps recorded, as JSON.
        metrics: the candidate's metrics, for KFP's table.
        report: one self-contained HTML file.
    """
    from pathlib import Path

    from millrace.report import render
    from millrace.runs.collect import collect
    from millrace.runs.step import step

    with step("summarize", workload, run=run or job) as work:
        told = collect(
            workload,
            work.store,
            run=run or job,
            signal=signal,
            pipeline=pipeline,
            state=status.state,
        )
        page = render(told)
        told.write(Path(summary.path))
        Path(report.path).write_text(page, encoding="utf-8")
        work.store.write_bytes(
            f"runs/{run or job}/summary.json", told.model_dump_json(indent=2).encode()
        )
        work.store.write_bytes(f"runs/{run or job}/report.html", page.encode())
        for name, estimate in told.metrics().items():
            metrics.log_metric(name, estimate)
        work.note = "report written"
