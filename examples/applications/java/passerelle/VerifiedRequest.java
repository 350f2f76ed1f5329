package passerelle;

import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URLDecoder;
import java.nio.charset.Charset;
import java.security.Principal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Enumeration;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/** The request with the verified identity in place of what arrived, and with its body once more. */
final class VerifiedRequest extends HttpServletRequestWrapper {
    private final Map<String, String> values;
    private final String userHeader;
    private final Predicate<String> ours;
    private final byte[] body;

    /** `values` by name in lower case; `body` null: it was not read. */
    VerifiedRequest(HttpServletRequest arrived, Map<String, String> values, String userHeader, Predicate<String> ours,
            byte[] body) {
        super(arrived);
        this.values = values;
        this.userHeader = userHeader;
        this.ours = ours;
        this.body = body;
    }

    @Override
    public String getHeader(String name) {
        return ours.test(name) ? values.get(name.toLowerCase(Locale.ROOT)) : super.getHeader(name);
    }

    @Override
    public Enumeration<String> getHeaders(String name) {
        String value = getHeader(name);
        return ours.test(name)
                ? Collections.enumeration(value == null ? List.of() : List.of(value))
                : super.getHeaders(name);
    }

    @Override
    public Enumeration<String> getHeaderNames() {
        List<String> names = new ArrayList<>(Collections.list(super.getHeaderNames()));
        names.removeIf(ours);
        names.addAll(values.keySet());
        return Collections.enumeration(names);
    }

    @Override
    public int getIntHeader(String name) {
        String value = getHeader(name);
        return ours.test(name) ? (value == null ? -1 : Integer.parseInt(value)) : super.getIntHeader(name);
    }

    @Override
    public long getDateHeader(String name) {
        return ours.test(name) ? -1 : super.getDateHeader(name);
    }

    @Override
    public String getRemoteUser() {
        return userHeader.isEmpty() ? super.getRemoteUser() : values.get(userHeader.toLowerCase(Locale.ROOT));
    }

    @Override
    public Principal getUserPrincipal() {
        String user = getRemoteUser();
        return userHeader.isEmpty() ? super.getUserPrincipal() : user == null ? null : () -> user;
    }

    @Override
    public ServletInputStream getInputStream() throws IOException {
        return body == null ? super.getInputStream() : new Again(body);
    }

    @Override
    public BufferedReader getReader() throws IOException {
        return body == null ? super.getReader() : new BufferedReader(new InputStreamReader(new Again(body), charset()));
    }

    @Override
    public Map<String, String[]> getParameterMap() {
        if (body == null) {
            return super.getParameterMap();
        }
        Map<String, String[]> parameters = new LinkedHashMap<>();
        add(parameters, getQueryString());
        if (String.valueOf(getContentType()).toLowerCase(Locale.ROOT).startsWith("application/x-www-form-urlencoded")) {
            add(parameters, new String(body, charset()));
        }
        return Collections.unmodifiableMap(parameters);
    }

    @Override
    public String getParameter(String name) {
        String[] values = getParameterValues(name);
        return values == null ? null : values[0];
    }

    @Override
    public String[] getParameterValues(String name) {
        return getParameterMap().get(name);
    }

    @Override
    public Enumeration<String> getParameterNames() {
        Set<String> names = new LinkedHashSet<>(getParameterMap().keySet());
        return Collections.enumeration(names);
    }

    private void add(Map<String, String[]> parameters, String form) {
        for (String pair : form == null ? new String[0] : form.split("&")) {
            String[] parts = pair.split("=", 2);
            if (!pair.isEmpty()) {
                String value = parts.length > 1 ? URLDecoder.decode(parts[1], charset()) : "";
                parameters.merge(URLDecoder.decode(parts[0], charset()), new String[] {value}, VerifiedRequest::joined);
            }
        }
    }

    private static String[] joined(String[] before, String[] more) {
        String[] all = Arrays.copyOf(before, before.length + 1);
        all[before.length] = more[0];
        return all;
    }

    private Charset charset() {
        return Charset.forName(getCharacterEncoding() == null ? "UTF-8" : getCharacterEncoding());
    }

    /** A body that was read, to be read again. */
    private static final class Again extends ServletInputStream {
        private final ByteArrayInputStream bytes;

        Again(byte[] body) {
            bytes = new ByteArrayInputStream(body);
        }

        @Override
        public int read() {
            return bytes.read();
        }

        @Override
        public boolean isFinished() {
            return bytes.available() == 0;
        }

        @Override
        public boolean isReady() {
            return true;
        }

        @Override
        public void setReadListener(ReadListener listener) {
            throw new IllegalStateException("read it at once: it is whole");
        }
    }
}
