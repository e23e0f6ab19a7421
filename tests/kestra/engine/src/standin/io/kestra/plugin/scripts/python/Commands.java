package io.kestra.plugin.scripts.python;

import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.scripts.exec.scripts.models.ScriptOutput;
import jakarta.validation.constraints.NotNull;
import java.util.List;

/** STAND-IN for Kestra's {@code Commands}: shell lines, rendered once, with input files rendered once. */
@Plugin
public class Commands extends PythonTask {
    @NotNull
    protected Property<List<String>> commands;

    public Property<List<String>> getCommands() {
        return commands;
    }

    @Override
    public ScriptOutput run(RunContext runContext) throws Exception {
        var installed = Dependencies.of(this, runContext);
        return runWith(runContext, commands(runContext), installed, commands);
    }
}
