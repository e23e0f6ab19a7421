package io.kestra.plugin.scripts.python;

import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.runners.TargetOS;
import io.kestra.core.runners.FilesService;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.scripts.exec.scripts.models.ScriptOutput;
import jakarta.validation.constraints.NotNull;
import java.util.List;
import java.util.Map;

/**
 * STAND-IN for Kestra's {@code Script}: three lines before the code, the code rendered twice, a file with a random name.
 *
 * <p>The first rendering is {@code commands.render}, which also fetches each {@code kestra://} address in the text; the second happens when
 * {@link FilesService} writes the input files.
 */
@Plugin
public class Script extends PythonTask {
    private static final String PRELUDE = "true = True\nfalse = False\nnull = None\n";

    @NotNull
    protected Property<String> script;

    public Property<String> getScript() {
        return script;
    }

    @Override
    public ScriptOutput run(RunContext runContext) throws Exception {
        var installed = Dependencies.of(this, runContext);
        var wrapper = commands(runContext);
        Map<String, String> files = FilesService.inputFiles(
            runContext, wrapper.getTaskRunner().additionalVars(runContext, wrapper), getInputFiles());
        var name = runContext.workingDir().path().relativize(runContext.workingDir().createTempFile(".py")).toString();
        files.put(name, PRELUDE + wrapper.render(runContext, script));
        wrapper = wrapper.withInputFiles(files);
        var os = runContext.render(targetOS).as(TargetOS.class).orElse(null);
        var path = wrapper.getTaskRunner().toAbsolutePath(runContext, wrapper, name, os);
        return runWith(runContext, wrapper, installed, Property.ofValue(List.of(call(installed, path))));
    }

    /** Without dependencies an activated virtual environment goes before the interpreter that was found (plugin 1.9.8 and later). */
    private static String call(Dependencies installed, String path) {
        var plain = installed.interpreter() + " " + path;
        return installed.folder().isPresent() ? plain
            : "if [ -n \"$VIRTUAL_ENV\" ]; then \"$VIRTUAL_ENV/bin/python\" " + path + "; else " + plain + "; fi";
    }
}
