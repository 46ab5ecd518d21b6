import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Stands between a client and the gateway, passes everything on and keeps the last request and answer as they went by. */
final class Recorder implements AutoCloseable {
    private static final List<String> PASSED_ON = List.of(
            "Content-Type", "SOAPAction", "Tenant-Id", "Application-Key", "User-Id", "User-Password");

    String contentType = "";
    String request = "";
    String answer = "";
    private final String gateway;
    private final HttpServer server;
    private final HttpClient client = HttpClient.newHttpClient();

    Recorder(String gateway) throws IOException {
        this.gateway = gateway;
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::passOn);
        server.start();
    }

    /** The address of a path of the gateway, by way of here. */
    String address(String path) {
        return "http://127.0.0.1:" + server.getAddress().getPort() + path;
    }

    private void passOn(HttpExchange exchange) throws IOException {
        byte[] body = exchange.getRequestBody().readAllBytes();
        var passed = HttpRequest.newBuilder(URI.create(gateway + exchange.getRequestURI()))
                .POST(HttpRequest.BodyPublishers.ofByteArray(body));
        for (String name : PASSED_ON) {
            exchange.getRequestHeaders().getOrDefault(name, List.of()).forEach(value -> passed.header(name, value));
        }
        try {
            HttpResponse<byte[]> answered = client.send(passed.build(), HttpResponse.BodyHandlers.ofByteArray());
            contentType = exchange.getRequestHeaders().getFirst("Content-Type");
            request = new String(body, StandardCharsets.UTF_8);
            answer = new String(answered.body(), StandardCharsets.UTF_8);
            answered.headers().firstValue("Content-Type")
                    .ifPresent(type -> exchange.getResponseHeaders().set("Content-Type", type));
            exchange.sendResponseHeaders(answered.statusCode(), answered.body().length);
            exchange.getResponseBody().write(answered.body());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        } finally {
            exchange.close();
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
