package kestranb.engine;

import java.util.List;
import java.util.Map;

/**
 * One request.
 *
 * @param id what the answer is to carry
 * @param op {@code validate}, {@code run}, {@code render} or {@code upload}
 * @param yaml the flow's source ({@code validate}, {@code run})
 * @param inputs the execution's inputs by id ({@code run})
 * @param inputFiles local paths for inputs of type FILE, by input id ({@code run})
 * @param labels the execution's labels ({@code run})
 * @param timeoutSeconds how long a run may take before it is given up
 * @param texts what to render ({@code render})
 * @param passes how often ({@code render})
 * @param namespace where {@code files} go ({@code upload})
 * @param files local paths by path in the namespace ({@code upload})
 */
public record Request(
    long id, String op, String yaml, Map<String, Object> inputs, Map<String, String> inputFiles, Map<String, String> labels,
    Integer timeoutSeconds, List<String> texts, Integer passes, String namespace, Map<String, String> files) {}
