package io.kestra.plugin.scripts.python;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorOutputStream;

/** STAND-IN for the plugin's packing of installed dependencies: a gzipped tar (which the plugin calls a zip), with executable bits kept. */
final class Archive {
    private static final String LOCK = "requirements.txt";

    private Archive() {}

    static void pack(Path folder, Path lock, Path to) throws IOException {
        try (var gzip = new GzipCompressorOutputStream(new BufferedOutputStream(Files.newOutputStream(to)));
             var tar = new TarArchiveOutputStream(gzip);
             var found = Files.walk(folder)) {
            tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
            add(tar, lock, LOCK);
            for (var file : (Iterable<Path>) found.filter(Files::isRegularFile)::iterator) {
                add(tar, file, folder.relativize(file).toString());
            }
        }
    }

    private static void add(TarArchiveOutputStream tar, Path file, String name) throws IOException {
        var entry = new TarArchiveEntry(file.toFile(), name);
        entry.setMode(Files.isExecutable(file) ? 0755 : 0644);
        tar.putArchiveEntry(entry);
        Files.copy(file, tar);
        tar.closeArchiveEntry();
    }

    static void restore(InputStream stored, Path folder, Path lock) throws IOException {
        try (var tar = new TarArchiveInputStream(new GzipCompressorInputStream(stored))) {
            for (var entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                var to = entry.getName().equals(LOCK) ? lock : folder.resolve(entry.getName()).normalize();
                Files.createDirectories(to.getParent());
                Files.copy(tar, to);
                Files.setPosixFilePermissions(to, PosixFilePermissions.fromString((entry.getMode() & 0100) != 0 ? "rwxr-xr-x" : "rw-r--r--"));
            }
        }
    }
}
