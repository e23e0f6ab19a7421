package kestranb.engine;

import io.grpc.InsecureServerCredentials;
import io.grpc.ServerBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.kestra.controller.DefaultController;
import io.kestra.controller.config.ControllerConfiguration;
import io.kestra.controller.config.GrpcConfiguration;
import io.kestra.controller.grpc.InternalCallServerInterceptor;
import io.kestra.controller.grpc.WorkerControllerService;
import io.kestra.core.metrics.MetricRegistry;
import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.models.executions.TaskRun;
import io.kestra.core.queues.DispatchQueueInterface;
import io.kestra.core.repositories.LogDataStoreInterface;
import io.kestra.core.runners.Executor;
import io.kestra.core.runners.Indexer;
import io.kestra.core.runners.Worker;
import io.kestra.core.runners.WorkerTask;
import io.kestra.core.services.ExecutionOutputService;
import io.kestra.core.services.TaskOutputService;
import io.micronaut.context.ApplicationContext;
import io.micronaut.core.type.Argument;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import org.slf4j.event.Level;

/** What is particular to Kestra 2.0: the worker asks a controller over gRPC, executions have a typed queue, outputs a table of their own. */
final class Line {
    private final DispatchQueueInterface<Execution> executions;
    private final Worker worker;
    private final ExecutionOutputService executionOutputs;
    private final TaskOutputService taskOutputs;
    private final LogDataStoreInterface logs;

    Line(ApplicationContext context, Settings settings) {
        executions = context.getBean(Argument.of(DispatchQueueInterface.class, Execution.class));
        executionOutputs = context.getBean(ExecutionOutputService.class);
        taskOutputs = context.getBean(TaskOutputService.class);
        logs = context.getBean(LogDataStoreInterface.class);
        worker = context.getBean(Worker.class);
        context.getBean(Executor.class).run();
        context.getBean(Indexer.class).run();
        LoopbackController.in(context).start();
        worker.start(settings.threads());
    }

    void emit(Execution execution) throws Exception {
        executions.emit(execution);
    }

    boolean running(String execution) {
        return worker.getRunningJobs().stream()
            .anyMatch(job -> job instanceof WorkerTask task && task.getTaskRun().getExecutionId().equals(execution));
    }

    Map<String, Object> outputs(Execution execution) throws Exception {
        return executionOutputs.getOutputs(execution);
    }

    List<LogEntry> logs(String tenant, String execution) {
        return logs.findByExecutionId(tenant, execution, Level.TRACE);
    }

    Map<String, Object> outputs(TaskRun run) throws Exception {
        return taskOutputs.getOutputs(run);
    }

    /** Kestra's controller listens on every interface and has no setting against it; this one listens on loopback alone. */
    private static final class LoopbackController extends DefaultController {
        private final List<WorkerControllerService> services;

        private LoopbackController(List<WorkerControllerService> services, ApplicationContext context) {
            super(services, context.getBean(GrpcConfiguration.class), context.getBean(ControllerConfiguration.class),
                context.getBean(MetricRegistry.class), event -> {});
            this.services = services;
        }

        static LoopbackController in(ApplicationContext context) {
            return new LoopbackController(List.copyOf(context.getBeansOfType(WorkerControllerService.class)), context);
        }

        @Override
        protected ServerBuilder<?> buildServer(int port) {
            var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
            ServerBuilder<?> server = NettyServerBuilder.forAddress(address, InsecureServerCredentials.create())
                .intercept(new InternalCallServerInterceptor())
                .maxInboundMessageSize(grpcConfiguration.maxInboundMessageSize())
                .addService(healthStatusManager.getHealthService());
            services.forEach(server::addService);
            return server;
        }
    }
}
