package kestranb.engine;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.models.executions.TaskRun;
import io.kestra.core.queues.QueueFactoryInterface;
import io.kestra.core.queues.QueueInterface;
import io.kestra.core.repositories.LogRepositoryInterface;
import io.kestra.core.runners.ExecutorInterface;
import io.kestra.core.runners.Indexer;
import io.kestra.core.runners.WorkerTask;
import io.kestra.core.utils.IdUtils;
import io.kestra.worker.DefaultWorker;
import io.micronaut.context.ApplicationContext;
import io.micronaut.inject.qualifiers.Qualifiers;
import java.util.List;
import java.util.Map;
import org.slf4j.event.Level;

/** What is particular to Kestra 1.3: services are runnables, executions go to the queue named {@code executionQueue}, outputs are in them. */
final class Line {
    private final QueueInterface<Execution> executions;
    private final DefaultWorker worker;
    private final LogRepositoryInterface logs;

    @SuppressWarnings("unchecked")
    Line(ApplicationContext context, Settings settings) {
        executions = context.getBean(QueueInterface.class, Qualifiers.byName(QueueFactoryInterface.EXECUTION_NAMED));
        worker = context.createBean(DefaultWorker.class, IdUtils.create(), settings.threads(), null);
        logs = context.getBean(LogRepositoryInterface.class);
        Thread.ofPlatform().daemon().start(context.getBean(ExecutorInterface.class));
        Thread.ofPlatform().daemon().start(context.getBean(Indexer.class));
        Thread.ofPlatform().daemon().start(worker);
    }

    void emit(Execution execution) throws Exception {
        executions.emit(execution);
    }

    boolean running(String execution) {
        return worker.getWorkerThreadTasks().stream()
            .anyMatch(job -> job instanceof WorkerTask task && task.getTaskRun().getExecutionId().equals(execution));
    }

    Map<String, Object> outputs(Execution execution) {
        return execution.getOutputs();
    }

    List<LogEntry> logs(String tenant, String execution) {
        return logs.findByExecutionId(tenant, execution, Level.TRACE);
    }

    Map<String, Object> outputs(TaskRun run) {
        return run.getOutputs();
    }
}
