package kestranb.engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.HashMap;
import java.util.Map;

/**
 * What Kestra's command line would have set: none of these has a default in the published artefacts.
 *
 * @param storage the folder of internal storage
 * @param work the folder of the workers' task folders ({@code kestra.tasks.tmp-dir.path})
 * @param threads the worker's threads
 * @param port a free loopback port for the controller of the 2.0 line
 */
record Settings(String storage, String work, int threads, int port) {

    static Settings from(Map<String, String> environment) {
        return new Settings(
            environment.get("ENGINE_STORAGE"), environment.get("ENGINE_WORK"),
            Integer.parseInt(environment.getOrDefault("ENGINE_THREADS", "8")), freePort());
    }

    private static int freePort() {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException problem) {
            throw new UncheckedIOException(problem);
        }
    }

    Map<String, Object> properties() {
        Map<String, Object> all = new HashMap<>();
        all.put("kestra.server-type", "STANDALONE");
        all.put("kestra.repository.type", "h2");
        all.put("kestra.queue.type", "h2");
        all.put("kestra.storage.type", "local");
        all.put("kestra.storage.local.base-path", storage);
        all.put("kestra.tasks.tmp-dir.path", work);
        all.put("kestra.anonymous-usage-report.enabled", false);
        all.put("kestra.tutorial-flows.enabled", false);
        all.put("kestra.ee.tenants.enabled", false);
        all.put("kestra.controller.port", port);
        all.put("kestra.worker.controllers.type", "STATIC");
        all.put("kestra.worker.controllers.static.endpoints", java.util.List.of(Map.of("host", "localhost", "port", port)));
        all.put("kestra.plugins.security.enabled", false);
        all.putAll(database());
        all.putAll(services());
        return all;
    }

    private static Map<String, Object> database() {
        Map<String, Object> all = new HashMap<>();
        all.put("datasources.h2.url", "jdbc:h2:mem:public;TIME ZONE=UTC;DB_CLOSE_DELAY=-1;DB_CLOSE_ON_EXIT=FALSE");
        all.put("datasources.h2.username", "sa");
        all.put("datasources.h2.password", "");
        all.put("datasources.h2.driver-class-name", "org.h2.Driver");
        all.put("flyway.datasources.h2.enabled", true);
        all.put("flyway.datasources.h2.locations", "classpath:migrations/h2");
        all.put("flyway.datasources.h2.ignore-migration-patterns", "*:missing,*:future");
        all.put("flyway.datasources.h2.out-of-order", true);
        all.put("kestra.jdbc.queues.poll-size", 100);
        all.put("kestra.jdbc.queues.min-poll-interval", "10ms");
        all.put("kestra.jdbc.queues.max-poll-interval", "100ms");
        all.put("kestra.jdbc.queues.poll-switch-interval", "5s");
        all.put("kestra.jdbc.cleaner.initial-delay", "1h");
        all.put("kestra.jdbc.cleaner.fixed-delay", "1h");
        all.put("kestra.jdbc.cleaner.retention", "7d");
        return all;
    }

    private static Map<String, Object> services() {
        Map<String, Object> all = new HashMap<>();
        all.put("jackson.serialization.writeDatesAsTimestamps", false);
        all.put("jackson.serialization.writeDurationsAsTimestamps", false);
        all.put("jackson.serialization-inclusion", "non_null");
        all.put("jackson.deserialization.FAIL_ON_UNKNOWN_PROPERTIES", false);
        all.put("kestra.variables.env-vars-prefix", "ENV_");
        all.put("kestra.variables.cache-enabled", true);
        all.put("kestra.variables.cache-size", 1000);
        all.put("kestra.metrics.prefix", "kestra");
        all.put("kestra.traces.root", "DISABLED");
        all.put("kestra.retries.attempts", 5);
        all.put("kestra.retries.multiplier", 2.0);
        all.put("kestra.retries.delay", "1s");
        all.put("kestra.hidden-labels.prefixes", java.util.List.of("system.", "internal."));
        all.put("kestra.server.termination-grace-period", "5s");
        all.put("kestra.server.worker-task-restart-strategy", "NEVER");
        all.put("kestra.server.liveness.enabled", true);
        all.put("kestra.server.liveness.interval", "5s");
        all.put("kestra.server.liveness.timeout", "10m");
        all.put("kestra.server.liveness.initial-delay", "10m");
        all.put("kestra.server.liveness.heartbeat-interval", "3s");
        all.put("kestra.server.service.purge.initial-delay", "1h");
        all.put("kestra.server.service.purge.fixed-delay", "1h");
        all.put("kestra.server.service.purge.retention", "30d");
        all.put("micronaut.executors.scheduled.type", "scheduled");
        all.put("micronaut.executors.scheduled.core-pool-size", 1);
        return all;
    }
}
