package kestranb.engine;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.kestra.core.serializers.JacksonMapper;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Executors;

/**
 * Boots Kestra's engine once, then answers requests: one JSON object a line on stdin, one a line on stdout.
 *
 * <p>Each request names an {@code id} and an {@code op}; the answer carries the same {@code id} and either {@code ok} or {@code error}.
 * Answers come in the order in which requests are done, not in the order in which they were made. The first line out is {@code {"ready": version}}.
 */
public final class Main {
    private static final ObjectMapper JSON = JacksonMapper.ofJson(false);

    private Main() {}

    public static void main(String[] args) throws Exception {
        var answers = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        System.setOut(System.err);
        var engine = new Engine(Settings.from(System.getenv()));
        answers.println(JSON.writeValueAsString(Map.of("ready", engine.version())));
        try (var pool = Executors.newCachedThreadPool();
             var requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (var line = requests.readLine(); line != null; line = requests.readLine()) {
                var request = JSON.readValue(line, Request.class);
                pool.submit(() -> answers.println(answer(engine, request)));
            }
        }
        Runtime.getRuntime().halt(0);
    }

    private static String answer(Engine engine, Request request) {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("id", request.id());
        try {
            answer.put("ok", engine.handle(request));
            return JSON.writeValueAsString(answer);
        } catch (Throwable problem) {
            answer.remove("ok");
            answer.put("error", problem.getClass().getSimpleName() + ": " + problem.getMessage());
            return unchecked(answer);
        }
    }

    private static String unchecked(Map<String, Object> answer) {
        try {
            return JSON.writeValueAsString(answer);
        } catch (Exception problem) {
            throw new IllegalStateException(problem);
        }
    }
}
