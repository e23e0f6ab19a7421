package io.kestra.plugin.scripts.python;

import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.RunnableTask;
import io.kestra.core.models.tasks.runners.TargetOS;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.scripts.exec.AbstractExecScript;
import io.kestra.plugin.scripts.exec.scripts.models.ScriptOutput;
import io.kestra.plugin.scripts.exec.scripts.runners.CommandsWrapper;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * STAND-IN, not Kestra's own code: what the two Python tasks have in common. See {@code STANDIN.md} for what it does not cover.
 *
 * <p>Every property of the real tasks is here, since the engine refuses those that a class does not know.
 */
abstract class PythonTask extends AbstractExecScript implements RunnableTask<ScriptOutput> {
    static final String DEFAULT_IMAGE = "python:3.13-slim";

    protected Property<String> containerImage = Property.ofValue(DEFAULT_IMAGE);
    protected Property<List<String>> dependencies;
    protected Property<String> pythonVersion;
    protected Property<Boolean> dependencyCacheEnabled = Property.ofValue(true);
    protected Property<PackageManager> packageManager = Property.ofValue(PackageManager.UV);
    protected Property<Boolean> uvAutoInstallEnabled = Property.ofValue(true);
    protected Property<String> uvInstallerVersion;
    protected Property<String> uvInstallerSha256;

    /** How the task's dependencies are installed on the worker. */
    public enum PackageManager { UV, PIP }

    @Override
    public Property<String> getContainerImage() {
        return containerImage;
    }

    public Property<List<String>> getDependencies() {
        return dependencies;
    }

    public Property<String> getPythonVersion() {
        return pythonVersion;
    }

    public Property<Boolean> getDependencyCacheEnabled() {
        return dependencyCacheEnabled;
    }

    public Property<PackageManager> getPackageManager() {
        return packageManager;
    }

    public Property<Boolean> getUvAutoInstallEnabled() {
        return uvAutoInstallEnabled;
    }

    public Property<String> getUvInstallerVersion() {
        return uvInstallerVersion;
    }

    public Property<String> getUvInstallerSha256() {
        return uvInstallerSha256;
    }

    /** Runs the commands with the tasks' variables and, when there are dependencies, with their folder as PYTHONPATH. */
    ScriptOutput runWith(RunContext runContext, CommandsWrapper wrapper, Dependencies installed, Property<List<String>> commands) throws Exception {
        Map<String, String> variables = new HashMap<>(Map.of(
            "PYTHONUNBUFFERED", "true", "PIP_ROOT_USER_ACTION", "ignore", "PIP_DISABLE_PIP_VERSION_CHECK", "1"));
        installed.folder().ifPresent(folder -> variables.put("PYTHONPATH", folder));
        var output = wrapper.addEnv(variables)
            .withInterpreter(interpreter)
            .withBeforeCommands(beforeCommands)
            .withBeforeCommandsWithOptions(true)
            .withFailFast(runContext.render(failFast).as(Boolean.class).orElse(true))
            .withCommands(commands)
            .withTargetOS(runContext.render(targetOS).as(TargetOS.class).orElse(null))
            .run();
        installed.upload();
        return output;
    }
}
