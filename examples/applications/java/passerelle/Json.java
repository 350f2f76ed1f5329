package passerelle;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import passerelle.Verification.Refused;

/** RFC 8259, which the JDK does not read: Map, List, String, Long, Double, Boolean, null. Strict, 16 levels deep. */
final class Json {
    private static final Pattern TOKEN = Pattern.compile(
            "[ \\t\\r\\n]*(?:([\\[\\]{},:])|(\"(?:[^\"\\\\\\x00-\\x1f]|\\\\(?:[\"\\\\/bfnrt]|u[0-9a-fA-F]{4}))*+\")"
                    + "|(-?(?:0|[1-9][0-9]*))(\\.[0-9]+)?([eE][+-]?[0-9]+)?|(true|false|null))[ \\t\\r\\n]*");

    private final Matcher tokens;
    private int at;

    private Json(String text) {
        tokens = TOKEN.matcher(text);
    }

    static Object read(String text) throws Refused {
        try {
            Json json = new Json(text);
            json.next();
            Object value = json.value(0);
            Verification.need(json.at == text.length(), "malformed");
            return value;
        } catch (NumberFormatException tooLong) {
            throw new Refused("malformed");
        }
    }

    private void next() throws Refused {
        Verification.need(tokens.find(at) && tokens.start() == at, "malformed");
        at = tokens.end();
    }

    /** The token is at its beginning; afterwards it is at its end. */
    private Object value(int depth) throws Refused {
        Verification.need(depth < 16, "malformed");
        if (tokens.group(2) != null) {
            return text(tokens.group(2));
        }
        if (tokens.group(3) != null) {
            boolean whole = tokens.group(4) == null && tokens.group(5) == null;
            return whole ? (Object) Long.valueOf(tokens.group(3)) : Double.valueOf(tokens.group().trim());
        }
        if (tokens.group(6) != null) {
            return tokens.group(6).equals("null") ? null : Boolean.valueOf(tokens.group(6));
        }
        Verification.need("[".equals(tokens.group(1)) || "{".equals(tokens.group(1)), "malformed");
        return "[".equals(tokens.group(1)) ? list(depth) : object(depth);
    }

    private List<Object> list(int depth) throws Refused {
        List<Object> values = new ArrayList<>();
        next();
        if ("]".equals(tokens.group(1))) {
            return values;
        }
        while (true) {
            values.add(value(depth + 1));
            next();
            if ("]".equals(tokens.group(1))) {
                return values;
            }
            Verification.need(",".equals(tokens.group(1)), "malformed");
            next();
        }
    }

    private Map<String, Object> object(int depth) throws Refused {
        Map<String, Object> values = new HashMap<>();
        next();
        if ("}".equals(tokens.group(1))) {
            return values;
        }
        while (true) {
            Verification.need(tokens.group(2) != null, "malformed");
            String name = text(tokens.group(2));
            next();
            Verification.need(":".equals(tokens.group(1)), "malformed");
            next();
            Verification.need(!values.containsKey(name), "malformed");
            values.put(name, value(depth + 1));
            next();
            if ("}".equals(tokens.group(1))) {
                return values;
            }
            Verification.need(",".equals(tokens.group(1)), "malformed");
            next();
        }
    }

    private static String text(String quoted) {
        StringBuilder text = new StringBuilder();
        for (int at = 1; at < quoted.length() - 1; at++) {
            char each = quoted.charAt(at);
            if (each != '\\') {
                text.append(each);
            } else if (quoted.charAt(++at) == 'u') {
                text.append((char) Integer.parseInt(quoted.substring(at + 1, at + 5), 16));
                at += 4;
            } else {
                int named = "bfnrt".indexOf(quoted.charAt(at));
                text.append(named < 0 ? quoted.charAt(at) : "\b\f\n\r\t".charAt(named));
            }
        }
        return text.toString();
    }
}
