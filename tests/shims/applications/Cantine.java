package passerelle;

import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.apache.catalina.Context;
import org.apache.catalina.Wrapper;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.descriptor.web.FilterDef;
import org.apache.tomcat.util.descriptor.web.FilterMap;

/** Tomcat with an application of the old kind, and the filter before it as web.xml would put it there. */
public final class Cantine extends HttpServlet {
    private static final long serialVersionUID = 1;

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Files.writeString(Path.of(System.getenv("RAN")), "x", StandardOpenOption.APPEND);
        List<String> identity = new ArrayList<>();
        for (String name : Collections.list(request.getHeaderNames())) {
            if (name.toLowerCase().matches(".*(usager|tranche|portail|gateway).*")) {
                identity.add(quoted(name) + ":" + quoted(request.getHeader(name)));
            }
        }
        if (request.getRemoteUser() != null) {
            identity.add("\"REMOTE_USER\":" + quoted(request.getRemoteUser()));
        }
        // A container gives a body once: as parameters, or as bytes.
        boolean stream = request.getRequestURI().startsWith("/cantine/depot/");
        String parameter = stream ? "Zoë" : String.valueOf(request.getParameter("enfant"));
        String body = new String(request.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        response.setContentType("application/json;charset=utf-8");
        response.getWriter().print("{\"identity\":{" + String.join(",", identity) + "},\"body\":" + quoted(body)
                + ",\"form\":{\"enfant\":" + quoted(parameter) + "}}");
    }

    private static String quoted(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        text.chars().forEach(each -> quoted.append(String.format("\\u%04x", each)));
        return quoted.append('"').toString();
    }

    public static void main(String[] arguments) throws Exception {
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(arguments[1]);
        tomcat.setHostname("localhost");
        tomcat.getConnector().setProperty("address", "127.0.0.1");
        tomcat.getConnector().setPort(Integer.parseInt(arguments[0]));
        Context context = tomcat.addContext("", arguments[1]);
        FilterDef filter = new FilterDef();
        filter.setFilterName("passerelle");
        filter.setFilterClass(PasserelleFilter.class.getName());
        filter.addInitParameter("config", System.getenv("PASSERELLE_CONFIG"));
        context.addFilterDef(filter);
        FilterMap everything = new FilterMap();
        everything.setFilterName("passerelle");
        everything.addURLPattern("/*");
        context.addFilterMap(everything);
        Wrapper servlet = context.createWrapper();
        servlet.setName("cantine");
        servlet.setServletClass(Cantine.class.getName());
        context.addChild(servlet);
        context.addServletMappingDecoded("/", "cantine");
        tomcat.start();
        if (!context.getState().isAvailable()) {
            System.exit(1);
        }
        tomcat.getServer().await();
    }
}
