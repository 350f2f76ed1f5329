package passerelle;

import static passerelle.Verification.need;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import passerelle.Verification.Refused;

/** What the integrator wrote in passerelle.json. `headers`: encoding by name. `leeway`: seconds. */
record Settings(String form, String issuer, String audience, Map<String, String> headers, Path keys, List<byte[]> secrets,
        List<String> unbound, String remoteUser, int maxBodyBytes, int leeway) {
    private static final Set<String> ENCODINGS = Set.of("utf-8", "latin-1", "percent", "base64", "rfc8187");

    /** A misspelt name is refused: it would leave a protection out in silence. */
    static Settings read(Path path) throws Refused {
        try {
            Map<String, Object> written = new HashMap<>();
            ((Map<?, ?>) Json.read(Files.readString(path))).forEach((name, value) -> written.put((String) name, value));
            Map<String, String> headers = new HashMap<>();
            ((Map<?, ?>) written.remove("headers")).forEach((name, value) -> headers.put((String) name, (String) value));
            Settings settings = new Settings(text(written, "form"), text(written, "issuer"), text(written, "audience"),
                    headers, path.resolveSibling(text(written, "keys")), secrets(path, texts(written, "secrets")),
                    texts(written, "allow_unbound"), text(written, "remote_user"),
                    number(written, "max_body_bytes", 1_000_000), number(written, "leeway_s", 60));
            need(written.isEmpty(), "configuration");
            settings.check();
            return settings;
        } catch (IOException | RuntimeException unreadable) {
            throw new Refused("configuration");
        }
    }

    private void check() throws Refused {
        need(!issuer.isEmpty() && !audience.isEmpty() && leeway >= 0 && leeway <= 60, "configuration");
        need(form.equals("jwt") || (form.equals("hmac") && !secrets.isEmpty()), "configuration");
        need(ENCODINGS.containsAll(headers.values()), "configuration");
        need(remoteUser.isEmpty() || headers.containsKey(remoteUser), "configuration");
    }

    private static List<byte[]> secrets(Path beside, List<String> names) throws Refused {
        List<byte[]> secrets = new ArrayList<>();
        for (String name : names) {
            try {
                byte[] read = Files.readAllBytes(beside.resolveSibling(name));
                int end = read.length;
                while (end > 0 && (read[end - 1] == '\n' || read[end - 1] == '\r')) {
                    end--;
                }
                need(end >= 32, "secrets");
                secrets.add(java.util.Arrays.copyOf(read, end));
            } catch (IOException unreadable) {
                throw new Refused("secrets");
            }
        }
        return secrets;
    }

    /** A place ends with a slash and covers what is below, or is one path exactly. */
    boolean allowsUnbound(String target) {
        String path = target.split("\\?", 2)[0];
        return unbound.stream().anyMatch(each -> path.equals(each) || (each.endsWith("/") && path.startsWith(each)));
    }

    private static String text(Map<String, Object> written, String name) {
        Object value = written.remove(name);
        return value == null ? "" : (String) value;
    }

    private static List<String> texts(Map<String, Object> written, String name) {
        Object value = written.remove(name);
        return value == null ? List.of() : ((List<?>) value).stream().map(each -> (String) each).toList();
    }

    private static int number(Map<String, Object> written, String name, int otherwise) {
        Object value = written.remove(name);
        return value == null ? otherwise : Math.toIntExact((Long) value);
    }
}
