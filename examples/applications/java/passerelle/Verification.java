package passerelle;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.attribute.FileTime;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.security.Signature;
import java.security.SignatureException;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPublicKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The verification itself, without a container around it, with what the JDK has (17 or later).
 * The steps and their order are those of docs/signatures.md.
 */
final class Verification {
    private static final int MAX_BYTES = 4096;
    /** Longer than any signature is good for: 32 s and the tolerance at both ends. */
    private static final long REMEMBERED_MS = 300_000;
    private static final Pattern SIGNATURE = Pattern.compile("v1;kid=([0-9a-f]{16});ts=([1-9][0-9]{0,11});"
            + "jti=([!-:<-~]{32});dec=([!-:<-~]+);pol=([0-9a-f]+);mac=([0-9a-f]{64})");

    /** Why a request is not believed: a short code, never a value. */
    static final class Refused extends Exception {
        private static final long serialVersionUID = 1;

        Refused(String code) {
            super(code, null, false, false);
        }
    }

    static void need(boolean holds, String code) throws Refused {
        if (!holds) {
            throw new Refused(code);
        }
    }

    /** Letters and digits in lower case: what all spellings of a name have in common. */
    static String fold(String name) {
        return name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "");
    }

    interface Body {
        /** The whole body; asked for when the signature covers one. */
        byte[] read() throws IOException, Refused;
    }

    /** One request as it arrived: nothing decoded, nothing normalised. Values by folded name, a character a byte. */
    record Request(String method, String target, Map<String, List<String>> fields, Body body) {
        boolean has(String name) {
            return fields.containsKey(fold(name));
        }

        String only(String name, String code) throws Refused {
            List<String> values = fields.getOrDefault(fold(name), List.of());
            need(values.size() == 1, code);
            return values.get(0);
        }
    }

    private record Key(String alg, PublicKey key) {
    }

    private final Settings settings;
    private final Map<String, Long> seen = new ConcurrentHashMap<>();
    private Map<String, Key> keys = Map.of();
    private FileTime keysRead;

    /** At start: what cannot be read stops the application from starting. */
    Verification(Settings settings) throws Refused {
        this.settings = settings;
        if (settings.form().equals("jwt")) {
            publishedKeys();
        }
    }

    /** `now` in Unix seconds. */
    void verify(Request request, long now) throws Refused, IOException, GeneralSecurityException {
        String id = settings.form().equals("jwt") ? assertion(request, now) : mac(request, now);
        if (!request.method().equals("GET") && !request.method().equals("HEAD")) {
            long at = System.currentTimeMillis();
            seen.values().removeIf(until -> until < at);
            need(seen.putIfAbsent(id, at + REMEMBERED_MS) == null, "replayed");
        }
    }

    private String assertion(Request request, long now) throws Refused, IOException, GeneralSecurityException {
        String assertion = request.only("X-Gateway-Assertion", "not_one_signature");
        need(assertion.length() <= MAX_BYTES, "too_long");
        String[] segments = assertion.split("\\.", -1);
        need(segments.length == 3, "malformed");
        Map<?, ?> header = object(segments[0]);
        Map<?, ?> claims = object(segments[1]);
        need(claims.get("jti") instanceof String jti && jti.length() == 32, "malformed");

        need("gw-assert+jwt".equals(header.get("typ")), "typ");
        need("ES256".equals(header.get("alg")) || "EdDSA".equals(header.get("alg")), "alg");
        Key key = publishedKeys().get(String.valueOf(header.get("kid")));
        need(key != null, "kid");
        need(key.alg().equals(header.get("alg")), "alg");
        need(holds(key, segments[0] + "." + segments[1], base64url(segments[2])), "signature");

        need(settings.issuer().equals(claims.get("iss")), "issuer");
        need(settings.audience().equals(claims.get("aud")), "audience");
        checkTimes(claims, now);
        need(request.method().equals(claims.get("htm")), "method");
        need(request.only("Host", "host").equals(claims.get("hta")), "host");
        need(request.target().equals(claims.get("htp")), "target");
        checkBody(claims, request);
        checkHeaders(claims.get("hdr"), request);
        return (String) claims.get("jti");
    }

    private void checkTimes(Map<?, ?> claims, long now) throws Refused {
        need(claims.get("iat") instanceof Long && claims.get("nbf") instanceof Long && claims.get("exp") instanceof Long,
                "malformed");
        long iat = (Long) claims.get("iat");
        long nbf = (Long) claims.get("nbf");
        long exp = (Long) claims.get("exp");
        need(exp - iat <= 60 && nbf - settings.leeway() <= now && now <= exp + settings.leeway(), "time");
    }

    private void checkBody(Map<?, ?> claims, Request request) throws Refused, IOException {
        Object mode = claims.get("bodm");
        if ("unbound".equals(mode)) {
            need(settings.allowsUnbound(request.target()), "body");
            return;
        }
        need("digest".equals(mode) || ("empty".equals(mode) && !claims.containsKey("bod")), "body");
        Object signed = "digest".equals(mode) ? claims.get("bod") : label(new byte[0]);
        need(label(request.body().read()).equals(signed), "body");
    }

    private void checkHeaders(Object claim, Request request) throws Refused {
        need(claim == null || claim instanceof Map, "malformed");
        Map<?, ?> digests = claim == null ? Map.of() : (Map<?, ?>) claim;
        for (String name : settings.headers().keySet()) {
            need(!request.has(name) || digests.containsKey(name.toLowerCase(Locale.ROOT)), "header_not_signed");
        }
        for (Map.Entry<?, ?> each : digests.entrySet()) {
            String value = request.only((String) each.getKey(), "header_missing_or_repeated");
            need(label(value.getBytes(StandardCharsets.ISO_8859_1)).equals(each.getValue()), "header_altered");
        }
    }

    private String mac(Request request, long now) throws Refused, IOException, GeneralSecurityException {
        String field = request.only("X-Gateway-Signature", "not_one_signature");
        need(field.length() <= MAX_BYTES, "too_long");
        Matcher parts = SIGNATURE.matcher(field);
        need(parts.matches(), "malformed");
        byte[] secret = secret(parts.group(1));
        String audience = new String(settings.audience().getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
        List<String> before = List.of(parts.group(1), audience, parts.group(2), parts.group(3), parts.group(4),
                parts.group(5), request.method(), request.only("Host", "host"), request.target());
        byte[] signed = HexFormat.of().parseHex(parts.group(6));
        // First without the body: one that streams need not be read.
        boolean unbound = settings.allowsUnbound(request.target()) && same(secret, before, "unbound", request, signed);
        need(unbound || same(secret, before, HexFormat.of().formatHex(sha256(request.body().read())), request, signed),
                "signature");
        long made = Long.parseLong(parts.group(2));
        need(made - 2 - settings.leeway() <= now && now <= made + 30 + settings.leeway(), "time");
        return parts.group(3);
    }

    private boolean same(byte[] secret, List<String> before, String body, Request request, byte[] signed)
            throws Refused, GeneralSecurityException {
        Map<String, String> present = new TreeMap<>();
        for (String name : settings.headers().keySet()) {
            if (request.has(name)) {
                present.put(name.toLowerCase(Locale.ROOT), request.only(name, "header_missing_or_repeated"));
            }
        }
        List<String> fields = new ArrayList<>(before);
        fields.add(body);
        fields.add(String.valueOf(present.size()));
        present.forEach((name, value) -> fields.addAll(List.of(name, value)));
        StringBuilder message = new StringBuilder("GWv1\n");
        fields.forEach(each -> message.append(each.length()).append(':').append(each).append('\n'));
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(secret, "HmacSHA256"));
        return MessageDigest.isEqual(signed, mac.doFinal(message.toString().getBytes(StandardCharsets.ISO_8859_1)));
    }

    private byte[] secret(String kid) throws Refused {
        for (byte[] secret : settings.secrets()) {
            byte[] begun = "gateway key id\n".getBytes(StandardCharsets.US_ASCII);
            byte[] named = Arrays.copyOf(begun, begun.length + secret.length);
            System.arraycopy(secret, 0, named, begun.length, secret.length);
            if (HexFormat.of().formatHex(sha256(named)).substring(0, 16).equals(kid)) {
                return secret;
            }
        }
        throw new Refused("kid");
    }

    /** Read again when the file changes. No usable key at all is a refusal. */
    private synchronized Map<String, Key> publishedKeys() throws Refused {
        try {
            FileTime changed = Files.getLastModifiedTime(settings.keys());
            if (!changed.equals(keysRead)) {
                keys = usableKeys(Files.readString(settings.keys()));
                keysRead = changed;
            }
        } catch (IOException | GeneralSecurityException | RuntimeException | Refused unusable) {
            keys = Map.of();
            keysRead = null;
        }
        need(!keys.isEmpty(), "keys");
        return keys;
    }

    private static Map<String, Key> usableKeys(String jwks) throws Refused, GeneralSecurityException {
        Map<String, Key> usable = new HashMap<>();
        for (Object each : (List<?>) ((Map<?, ?>) Json.read(jwks)).get("keys")) {
            Map<?, ?> key = (Map<?, ?>) each;
            if ("OKP".equals(key.get("kty")) && "Ed25519".equals(key.get("crv"))) {
                usable.put((String) key.get("kid"), new Key("EdDSA", edwards(base64url((String) key.get("x")))));
            } else if ("EC".equals(key.get("kty")) && "P-256".equals(key.get("crv"))) {
                PublicKey p256 = p256(base64url((String) key.get("x")), base64url((String) key.get("y")));
                usable.put((String) key.get("kid"), new Key("ES256", p256));
            }
        }
        return usable;
    }

    private static PublicKey edwards(byte[] x) throws GeneralSecurityException {
        // SubjectPublicKeyInfo (RFC 8410): a fixed beginning and the 32 bytes.
        byte[] info = Arrays.copyOf(HexFormat.of().parseHex("302a300506032b6570032100"), 12 + x.length);
        System.arraycopy(x, 0, info, 12, x.length);
        return KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(info));
    }

    private static PublicKey p256(byte[] x, byte[] y) throws GeneralSecurityException {
        AlgorithmParameters curve = AlgorithmParameters.getInstance("EC");
        curve.init(new ECGenParameterSpec("secp256r1"));
        ECPoint point = new ECPoint(new BigInteger(1, x), new BigInteger(1, y));
        ECPublicKeySpec spec = new ECPublicKeySpec(point, curve.getParameterSpec(ECParameterSpec.class));
        return KeyFactory.getInstance("EC").generatePublic(spec);
    }

    private static boolean holds(Key key, String signed, byte[] signature) throws GeneralSecurityException {
        if (signature.length != 64) {
            return false;
        }
        boolean edwards = key.alg().equals("EdDSA");
        Signature verifier = Signature.getInstance(edwards ? "Ed25519" : "SHA256withECDSAinP1363Format");
        verifier.initVerify(key.key());
        verifier.update(signed.getBytes(StandardCharsets.US_ASCII));
        try {
            return verifier.verify(signature);
        } catch (SignatureException impossible) {
            return false;
        }
    }

    private static Map<?, ?> object(String segment) throws Refused {
        need(Json.read(new String(base64url(segment), StandardCharsets.UTF_8)) instanceof Map, "malformed");
        return (Map<?, ?>) Json.read(new String(base64url(segment), StandardCharsets.UTF_8));
    }

    /** Without padding, written the one canonical way. */
    private static byte[] base64url(String text) throws Refused {
        try {
            byte[] raw = Base64.getUrlDecoder().decode(text);
            need(Base64.getUrlEncoder().withoutPadding().encodeToString(raw).equals(text), "malformed");
            return raw;
        } catch (IllegalArgumentException notBase64) {
            throw new Refused("malformed");
        }
    }

    private static byte[] sha256(byte[] data) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(data);
        } catch (GeneralSecurityException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static String label(byte[] data) {
        return "sha-256:" + Base64.getUrlEncoder().withoutPadding().encodeToString(sha256(data));
    }
}
