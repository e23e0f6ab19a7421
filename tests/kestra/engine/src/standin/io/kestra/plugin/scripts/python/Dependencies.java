package io.kestra.plugin.scripts.python;

import io.kestra.core.runners.RunContext;
import io.kestra.plugin.core.runner.Process;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * STAND-IN for the plugin's handling of {@code dependencies}: installed on the worker, kept in internal storage by key.
 *
 * <p>As in the real one the key holds the requirements in the order given, the installer's exit code is not looked at, its output is DEBUG
 * only, and the upload comes after the task succeeded.
 */
final class Dependencies {
    private static final Pattern IMAGE = Pattern.compile("python:([0-9]+(\\.[0-9]+){0,2})");
    private static final String FALLBACK = "3.13";
    private static final String FOLDER = ".kestra_additional_python_lib";

    private final RunContext runContext;
    private final String cache;
    private final String interpreter;
    private final Path folder;
    private final Path lock;
    private final String key;
    private final boolean fresh;

    private Dependencies(RunContext runContext, String cache, String interpreter, Path folder, Path lock, String key, boolean fresh) {
        this.runContext = runContext;
        this.cache = cache;
        this.interpreter = interpreter;
        this.folder = folder;
        this.lock = lock;
        this.key = key;
        this.fresh = fresh;
    }

    static Dependencies of(PythonTask task, RunContext runContext) throws Exception {
        List<String> wanted = runContext.render(task.getDependencies()).asList(String.class);
        var tool = Installer.of(task, runContext);
        var process = task.getTaskRunner() instanceof Process;
        var stated = runContext.render(task.getPythonVersion()).as(String.class);
        var version = stated.or(() -> process ? tool.localVersion() : Optional.empty()).orElseGet(() -> fromImage(task, runContext));
        if (wanted.isEmpty()) {
            var interpreter = stated.isPresent() && process ? tool.python(version) : "python";
            return new Dependencies(runContext, null, interpreter, null, null, null, false);
        }
        return installed(task, runContext, tool, version, wanted, stated.isPresent() && process);
    }

    private static Dependencies installed(
        PythonTask task, RunContext runContext, Installer tool, String version, List<String> wanted, boolean found) throws Exception {
        var key = key(version, wanted);
        var cache = "python-dependencies-v0-" + task.getType();
        var folder = runContext.workingDir().resolve(Path.of(FOLDER));
        var lock = runContext.workingDir().resolve(Path.of(key + "-requirements.txt"));
        var caching = runContext.render(task.getDependencyCacheEnabled()).as(Boolean.class).orElse(true);
        var stored = caching ? runContext.storage().getCacheFile(cache, key) : Optional.<java.io.InputStream>empty();
        if (stored.isPresent()) {
            runContext.logger().debug("Restoring python dependencies cache for key: {}", key);
            Archive.restore(stored.get(), folder, lock);
        } else {
            runContext.logger().debug("Could not find python dependencies cache for key: {}", key);
            tool.install(version, wanted, folder, lock);
        }
        var interpreter = found ? tool.python(version) : "python";
        return new Dependencies(runContext, caching ? cache : null, interpreter, folder, lock, key, stored.isEmpty());
    }

    private static String fromImage(PythonTask task, RunContext runContext) {
        try {
            var match = IMAGE.matcher(runContext.render(task.getContainerImage()).as(String.class).orElse(""));
            if (match.find()) {
                return match.group(1);
            }
        } catch (Exception problem) {
            throw new IllegalStateException(problem);
        }
        runContext.logger().warn("No Python Version found. Using default: '{}'", FALLBACK);
        return FALLBACK;
    }

    private static String key(String version, List<String> wanted) throws Exception {
        var digest = MessageDigest.getInstance("SHA-256");
        List<String> lines = new ArrayList<>(List.of("#pyversion: " + version));
        lines.addAll(wanted);
        lines.forEach(line -> digest.update(line.getBytes(StandardCharsets.UTF_8)));
        return HexFormat.of().formatHex(digest.digest());
    }

    String interpreter() {
        return interpreter;
    }

    Optional<String> folder() {
        return Optional.ofNullable(folder).map(Path::toString);
    }

    void upload() throws IOException {
        if (cache == null || !fresh) {
            return;
        }
        var packed = runContext.workingDir().createTempFile("python-cache.zip");
        Archive.pack(folder, lock, packed);
        runContext.logger().debug("Uploading python dependencies cache for key: {} ({} bytes)", key, Files.size(packed));
        runContext.storage().putCacheFile(packed.toFile(), cache, key);
    }
}
