package io.kestra.plugin.scripts.python;

import io.kestra.core.runners.RunContext;
import io.kestra.plugin.scripts.python.PythonTask.PackageManager;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** STAND-IN for the plugin's calls of uv and pip on the worker: the same command lines, none of their exit codes looked at when installing. */
final class Installer {
    private record Ended(int code, List<String> lines) {
        Optional<String> first() {
            return code == 0 ? lines.stream().findFirst() : Optional.empty();
        }
    }

    private final RunContext runContext;
    private final boolean uv;
    private final String tool;
    private final Path cache;

    private Installer(RunContext runContext, boolean uv, String tool, Path cache) {
        this.runContext = runContext;
        this.uv = uv;
        this.tool = tool;
        this.cache = cache;
    }

    static Installer of(PythonTask task, RunContext runContext) throws Exception {
        var wanted = runContext.render(task.getPackageManager()).as(PackageManager.class).orElse(PackageManager.UV);
        var tool = Optional.ofNullable(System.getenv("UV_PATH")).orElse("uv");
        var cache = runContext.workingDir().path().getParent();
        var installer = new Installer(runContext, wanted == PackageManager.UV, tool, cache);
        if (wanted == PackageManager.UV && installer.call(Map.of(), tool, "--version").code != 0) {
            runContext.logger().warn("UV not available, falling back to PIP");
            return new Installer(runContext, false, tool, cache);
        }
        return installer;
    }

    /** The version of the worker's own Python, in full. */
    Optional<String> localVersion() {
        var python = uv ? call(Map.of(), tool, "python", "find", "--system", "--no-managed-python").first() : Optional.of("python3");
        return python.flatMap(path -> call(Map.of(), path, "--version").first()).map(line -> line.replaceFirst("Python ", ""));
    }

    /** uv takes a Python that it manages itself and nothing else; pip takes the nearest name on the PATH. */
    String python(String version) {
        if (uv) {
            return managed(version).or(() -> {
                call(places(), tool, "python", "install", version, "--python-preference=only-managed");
                return managed(version);
            }).orElseThrow(() -> new IllegalStateException("Could not find or install Python '" + version + "' path"));
        }
        var parts = version.split("\\.");
        var minor = parts.length > 1 ? parts[0] + "." + parts[1] : parts[0];
        return List.of("python" + minor, "python" + parts[0], "python3", "python").stream()
            .filter(name -> call(Map.of(), name, "--version").code == 0).findFirst()
            .orElseThrow(() -> new IllegalStateException("Could not find a suitable Python interpreter for version: " + version));
    }

    private Optional<String> managed(String version) {
        return call(places(), tool, "python", "find", version, "--system", "--python-preference=only-managed").first();
    }

    private Map<String, String> places() {
        return Map.of("UV_PYTHON_INSTALL_DIR", cache.resolve("python").toString(), "UV_CACHE_DIR", cache.resolve("uv").toString());
    }

    void install(String version, List<String> wanted, Path folder, Path lock) throws IOException {
        Files.createDirectories(folder);
        var python = python(version);
        if (!uv) {
            Files.write(lock, wanted);
            call(Map.of(), python, "-m", "pip", "install", "--quiet", "--no-cache-dir", "--target=" + folder, "--requirement=" + lock);
            return;
        }
        var asked = lock.resolveSibling(lock.getFileName().toString().replace(".txt", ".in"));
        Files.write(asked, wanted);
        var cached = cache.resolve("uv").toString();
        call(Map.of(), tool, "pip", "compile", "--quiet", "--no-color", "--no-config", "--no-header", "--strip-extras",
            "--output-file", lock.toString(), "--python", python, "--cache-dir", cached, asked.toString());
        call(Map.of(), tool, "pip", "install", "--quiet", "--no-color", "--no-config", "--link-mode", "copy", "--reinstall",
            "--index-strategy", "unsafe-best-match", "--target=" + folder, "--requirement=" + lock, "--python", python, "--cache-dir", cached);
        if (Files.notExists(lock)) {
            Files.createFile(lock);
        }
    }

    private Ended call(Map<String, String> variables, String... command) {
        try {
            var builder = new ProcessBuilder(command).redirectErrorStream(true);
            builder.environment().putAll(variables);
            var process = builder.start();
            List<String> lines = new ArrayList<>();
            try (var reader = new BufferedReader(new InputStreamReader(process.getInputStream()))) {
                reader.lines().forEach(lines::add);
            }
            lines.forEach(line -> runContext.logger().debug(line));
            return new Ended(process.waitFor(), lines);
        } catch (IOException missing) {
            return new Ended(127, List.of());
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(stopped);
        }
    }
}
