import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.Charset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.entity.UrlEncodedFormEntity;
import org.apache.hc.client5.http.entity.mime.HttpMultipartMode;
import org.apache.hc.client5.http.entity.mime.MultipartEntityBuilder;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.NameValuePair;
import org.apache.hc.core5.http.io.entity.EntityUtils;
import org.apache.hc.core5.http.io.entity.StringEntity;
import org.apache.hc.core5.http.message.BasicNameValuePair;

/** Apache HttpClient 5. A charset that is null is the one that the library takes where its user names none. */
final class Sender implements Closeable {
    /** How heads of parts are written. Without types (LEGACY) nothing says what the parts are in. */
    enum Mode { STRICT, EXTENDED }

    private final CloseableHttpClient client = HttpClients.createDefault();
    private final String base;

    Sender(String base) {
        this.base = base;
    }

    Answer form(String path, Map<String, String> fields, Charset charset) throws IOException {
        List<NameValuePair> pairs = new ArrayList<>();
        fields.forEach((name, value) -> pairs.add(new BasicNameValuePair(name, value)));
        return post(path, charset == null ? new UrlEncodedFormEntity(pairs) : new UrlEncodedFormEntity(pairs, charset), Map.of());
    }

    Answer parts(String path, Map<String, String> fields, Charset charset, Mode mode) throws IOException {
        MultipartEntityBuilder parts = MultipartEntityBuilder.create().setMode(HttpMultipartMode.valueOf(mode.name()));
        fields.forEach((name, value) -> {
            if (charset == null) {
                parts.addTextBody(name, value);
            } else {
                parts.addTextBody(name, value, ContentType.TEXT_PLAIN.withCharset(charset));
            }
        });
        parts.addBinaryBody("picture", new byte[] {0, -1}, ContentType.DEFAULT_BINARY, "grün.bin");
        return post(path, parts.build(), Map.of());
    }

    Answer envelope(String path, String envelope, Map<String, String> headers) throws IOException {
        return post(path, new StringEntity(envelope, ContentType.TEXT_XML), headers);
    }

    Answer get(String path) throws IOException {
        return send(new HttpGet(base + path));
    }

    private Answer post(String path, HttpEntity body, Map<String, String> headers) throws IOException {
        HttpPost request = new HttpPost(base + path);
        request.setEntity(body);
        headers.forEach(request::setHeader);
        return send(request);
    }

    private Answer send(ClassicHttpRequest request) throws IOException {
        request.setHeader("Accept", "application/json");
        return client.execute(request, answer -> new Answer(answer.getCode(), EntityUtils.toByteArray(answer.getEntity())));
    }

    @Override
    public void close() throws IOException {
        client.close();
    }
}
