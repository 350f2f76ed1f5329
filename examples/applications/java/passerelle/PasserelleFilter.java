package passerelle;

import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.FilterConfig;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.logging.Logger;
import passerelle.Verification.Refused;
import passerelle.Verification.Request;

/**
 * Verifies every request before a servlet application sees it; the application's own classes stay as they are.
 *
 * <p>In web.xml, before every other filter, for {@code /*}; its parameter {@code config} names passerelle.json. It is read
 * once: a mistake in it stops the application from starting. For {@code javax.servlet}, change the imports.
 * Whatever goes wrong with a request, the answer is 403 and the application does not run.
 */
public final class PasserelleFilter implements Filter {
    private static final Logger LOG = Logger.getLogger("passerelle");
    private static final String PAGE =
            "403. Cette page ne s’ouvre que par la passerelle. / This page opens through the gateway alone.\n";

    private Settings settings;
    private Verification verification;

    @Override
    public void init(FilterConfig config) throws ServletException {
        try {
            settings = Settings.read(Path.of(config.getInitParameter("config")).toAbsolutePath());
            verification = new Verification(settings);
        } catch (Refused | RuntimeException unusable) {
            throw new ServletException("passerelle: not started, code=" + unusable.getMessage());
        }
    }

    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        HttpServletRequest verified;
        try {
            verified = verified((HttpServletRequest) request);
        } catch (Exception why) {
            LOG.warning("passerelle: refused, code=" + (why instanceof Refused ? why.getMessage() : why.getClass()));
            refuse((HttpServletResponse) response);
            return;
        }
        chain.doFilter(verified, response);
    }

    private static void refuse(HttpServletResponse response) throws IOException {
        byte[] page = PAGE.getBytes(StandardCharsets.UTF_8);
        response.reset();
        response.setStatus(HttpServletResponse.SC_FORBIDDEN);
        response.setContentType("text/plain;charset=utf-8");
        response.setHeader("Cache-Control", "no-store");
        response.setContentLength(page.length);
        response.getOutputStream().write(page);
    }

    private HttpServletRequest verified(HttpServletRequest arrived) throws Exception {
        Map<String, List<String>> fields = new HashMap<>();
        for (String name : Collections.list(arrived.getHeaderNames())) {
            fields.computeIfAbsent(Verification.fold(name), each -> new ArrayList<>())
                    .addAll(Collections.list(arrived.getHeaders(name)));
        }
        String query = arrived.getQueryString();
        String target = arrived.getRequestURI() + (query == null ? "" : "?" + query);
        byte[][] read = new byte[1][];
        Request request = new Request(arrived.getMethod(), target, fields, () -> read[0] = body(arrived));
        verification.verify(request, System.currentTimeMillis() / 1000);
        return new VerifiedRequest(arrived, values(request), settings.remoteUser(), this::isOurs, read[0]);
    }

    private byte[] body(HttpServletRequest arrived) throws IOException, Refused {
        byte[] read = arrived.getInputStream().readNBytes(settings.maxBodyBytes() + 1);
        Verification.need(read.length <= settings.maxBodyBytes(), "body_too_long");
        // The container reads the parts of a form from its own stream, which is at its end now.
        String type = String.valueOf(arrived.getContentType()).toLowerCase(Locale.ROOT).trim();
        Verification.need(!type.startsWith("multipart/"), "body_unreadable");
        return read;
    }

    private boolean isOurs(String name) {
        String folded = Verification.fold(name);
        return folded.startsWith("xgateway")
                || settings.headers().keySet().stream().anyMatch(each -> Verification.fold(each).equals(folded));
    }

    /** What was verified, as text; in lower case the names. */
    private Map<String, String> values(Request request) throws Refused {
        Map<String, String> values = new HashMap<>();
        for (Map.Entry<String, String> each : settings.headers().entrySet()) {
            if (request.has(each.getKey())) {
                String value = request.only(each.getKey(), "header_missing_or_repeated");
                values.put(each.getKey().toLowerCase(Locale.ROOT), decoded(value, each.getValue()));
            }
        }
        return values;
    }

    private static String decoded(String value, String encoding) throws Refused {
        try {
            return switch (encoding) {
                case "percent" -> percent(value);
                case "base64" -> new String(Base64.getDecoder().decode(value), StandardCharsets.UTF_8);
                case "rfc8187" -> percent(afterCharset(value));
                default -> new String(value.getBytes(StandardCharsets.ISO_8859_1),
                        encoding.equals("utf-8") ? StandardCharsets.UTF_8 : StandardCharsets.ISO_8859_1);
            };
        } catch (IllegalArgumentException | IndexOutOfBoundsException unreadable) {
            throw new Refused("value_encoding");
        }
    }

    private static String afterCharset(String value) throws Refused {
        Verification.need(value.regionMatches(true, 0, "UTF-8''", 0, 7), "value_encoding");
        return value.substring(7);
    }

    private static String percent(String value) {
        // A form's reader would take + for a space.
        return java.net.URLDecoder.decode(value.replace("+", "%2B"), StandardCharsets.UTF_8);
    }
}
