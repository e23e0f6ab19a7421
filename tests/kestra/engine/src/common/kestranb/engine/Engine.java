package kestranb.engine;

import io.kestra.core.models.Label;
import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.models.executions.TaskRun;
import io.kestra.core.models.flows.Flow;
import io.kestra.core.models.flows.FlowSource;
import io.kestra.core.models.flows.State;
import io.kestra.core.models.validations.ValidateConstraintViolation;
import io.kestra.core.repositories.ExecutionRepositoryInterface;
import io.kestra.core.repositories.FlowRepositoryInterface;
import io.kestra.core.runners.FlowInputOutput;
import io.kestra.core.runners.VariableRenderer;
import io.kestra.core.services.FlowService;
import io.kestra.core.storages.Namespace;
import io.kestra.core.storages.NamespaceFactory;
import io.kestra.core.storages.StorageInterface;
import io.kestra.core.utils.VersionProvider;
import io.micronaut.context.ApplicationContext;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Kestra's executor, worker and indexer in one process, with H2 in memory; {@link Line} holds what differs between the two lines. */
final class Engine {
    private static final String TENANT = "main";
    private static final Duration POLL = Duration.ofMillis(20);
    private static final Duration LOGS_TRAIL = Duration.ofMillis(250);

    private final ApplicationContext context;
    private final Line line;

    Engine(Settings settings) throws Exception {
        context = ApplicationContext.builder().mainClass(Main.class).properties(settings.properties()).environments("cli").build().start();
        line = new Line(context, settings);
    }

    String version() {
        return context.getBean(VersionProvider.class).getVersion();
    }

    Object handle(Request request) throws Exception {
        return switch (request.op()) {
            case "validate" -> validate(request);
            case "run" -> run(request);
            case "render" -> render(request);
            case "upload" -> upload(request);
            default -> throw new IllegalArgumentException("unknown op " + request.op());
        };
    }

    private List<Map<String, Object>> validate(Request request) {
        return context.getBean(FlowService.class).validate(TENANT, List.of(new FlowSource("flow.yaml", request.yaml()))).stream()
            .map(Engine::violation).toList();
    }

    private static Map<String, Object> violation(ValidateConstraintViolation found) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("flow", found.getFlow());
        all.put("namespace", found.getNamespace());
        all.put("constraints", found.getConstraints());
        all.put("warnings", orEmpty(found.getWarnings()));
        all.put("infos", orEmpty(found.getInfos()));
        all.put("deprecations", orEmpty(found.getDeprecationPaths()));
        return all;
    }

    private static <T> List<T> orEmpty(List<T> list) {
        return list == null ? List.of() : list;
    }

    private Map<String, Object> render(Request request) throws Exception {
        var renderer = context.getBean(VariableRenderer.class);
        Map<String, Object> variables = request.inputs() == null ? Map.of() : Map.of("inputs", request.inputs());
        List<String> results = new ArrayList<>();
        for (var text : request.texts()) {
            results.add(rendered(renderer, variables, text, request.passes()));
        }
        return Map.of("results", results);
    }

    private static String rendered(VariableRenderer renderer, Map<String, Object> variables, String text, int passes) {
        try {
            var result = text;
            for (int pass = 0; pass < passes; pass++) {
                result = renderer.render(result, variables);
            }
            return "=" + result;
        } catch (Exception problem) {
            return "!" + problem.getMessage();
        }
    }

    private Map<String, Object> upload(Request request) throws Exception {
        Namespace namespace = context.getBean(NamespaceFactory.class).of(TENANT, request.namespace(), context.getBean(StorageInterface.class));
        for (var file : request.files().entrySet()) {
            try (var content = Files.newInputStream(Path.of(file.getValue()))) {
                namespace.putFile(Path.of(file.getKey()), content, Namespace.Conflicts.OVERWRITE);
            }
        }
        return Map.of("files", request.files().size());
    }

    private Map<String, Object> run(Request request) throws Exception {
        Flow flow = stored(request.yaml());
        Execution execution = Execution.newExecution(flow, labels(request));
        execution = execution.withInputs(context.getBean(FlowInputOutput.class).readExecutionInputs(flow, execution, inputs(request, execution)));
        var started = Instant.now();
        line.emit(execution);
        var limit = started.plusSeconds(Optional.ofNullable(request.timeoutSeconds()).orElse(120));
        Execution ended = awaitEnd(execution.getId(), limit);
        var answered = Instant.now();
        awaitIdle(execution.getId(), limit);
        var all = report(ended);
        all.put("seconds", seconds(Duration.between(started, answered)));
        all.put("afterwards", seconds(Duration.between(answered, Instant.now())));
        all.put("logs", logs(execution.getId()));
        return all;
    }

    /** One at a time: two executions of a new flow would both insert it. */
    private synchronized Flow stored(String yaml) throws Exception {
        var saved = context.getBean(FlowService.class).importFlow(TENANT, yaml);
        return context.getBean(FlowRepositoryInterface.class)
            .findById(TENANT, saved.getNamespace(), saved.getId(), Optional.of(saved.getRevision())).orElseThrow();
    }

    private static List<Label> labels(Request request) {
        return request.labels() == null ? List.of()
            : request.labels().entrySet().stream().map(label -> new Label(label.getKey(), label.getValue())).toList();
    }

    private Map<String, Object> inputs(Request request, Execution execution) throws Exception {
        Map<String, Object> all = new HashMap<>(request.inputs() == null ? Map.of() : request.inputs());
        if (request.inputFiles() != null) {
            for (var input : request.inputFiles().entrySet()) {
                var file = new File(input.getValue());
                all.put(input.getKey(), context.getBean(StorageInterface.class).from(execution, input.getKey(), file.getName(), file).toString());
            }
        }
        return all;
    }

    private Execution awaitEnd(String id, Instant limit) throws InterruptedException {
        var repository = context.getBean(ExecutionRepositoryInterface.class);
        Optional<Execution> found = Optional.empty();
        while (Instant.now().isBefore(limit)) {
            found = repository.findById(TENANT, id);
            if (found.isPresent() && found.get().getState().isTerminated()) {
                return found.get();
            }
            Thread.sleep(POLL);
        }
        throw new IllegalStateException("not ended in time, last seen as " + found.map(e -> e.getState().getCurrent().name()).orElse("not stored"));
    }

    /** The worker goes on after the execution ended: a WorkingDirectory uploads its cache then. */
    private void awaitIdle(String id, Instant limit) throws InterruptedException {
        while (line.running(id) && Instant.now().isBefore(limit)) {
            Thread.sleep(POLL);
        }
    }

    private Map<String, Object> report(Execution execution) throws Exception {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("execution", execution.getId());
        all.put("state", execution.getState().getCurrent().name());
        List<Map<String, Object>> tasks = new ArrayList<>();
        for (var run : orEmpty(execution.getTaskRunList())) {
            tasks.add(task(run));
        }
        all.put("tasks", tasks);
        all.put("outputs", line.outputs(execution));
        all.put("duration", seconds(execution.getState().getDurationOrComputeIt()));
        all.put("inputs", execution.getInputs());
        return all;
    }

    private Map<String, Object> task(TaskRun run) throws Exception {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("id", run.getTaskId());
        all.put("state", run.getState().getCurrent().name());
        all.put("attempts", orEmpty(run.getAttempts()).size());
        all.put("seconds", seconds(run.getState().getDurationOrComputeIt()));
        all.put("running", seconds(running(run.getState())));
        all.put("outputs", line.outputs(run));
        return all;
    }

    /** From RUNNING to the end, without the time in the queue. */
    private static Duration running(State state) {
        var histories = state.getHistories();
        var from = histories.stream().filter(h -> h.getState() == State.Type.RUNNING).map(State.History::getDate).findFirst();
        return from.map(start -> Duration.between(start, histories.getLast().getDate())).orElse(Duration.ZERO);
    }

    private static double seconds(Duration duration) {
        return duration.toMillis() / 1000.0;
    }

    /** Logs trail behind the end of an execution: read until nothing new arrives. */
    private List<Map<String, Object>> logs(String id) throws InterruptedException {
        List<LogEntry> before = List.of();
        for (int quiet = 0; quiet < 2; ) {
            Thread.sleep(LOGS_TRAIL);
            List<LogEntry> now = line.logs(TENANT, id);
            quiet = now.size() == before.size() ? quiet + 1 : 0;
            before = now;
        }
        return before.stream().sorted(Comparator.comparing(LogEntry::getTimestamp)).map(Engine::entry).toList();
    }

    private static Map<String, Object> entry(LogEntry log) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("task", log.getTaskId());
        all.put("level", log.getLevel().name());
        all.put("message", log.getMessage());
        all.put("attempt", log.getAttemptNumber());
        all.put("time", log.getTimestamp().toString());
        return all;
    }
}
