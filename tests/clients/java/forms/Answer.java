import java.nio.charset.StandardCharsets;

/** What the gateway answered: a status and a text, in UTF-8 but for bytes that are none, which become one letter each. */
final class Answer {
    final int status;
    final String text;

    Answer(int status, byte[] body) {
        this.status = status;
        String text = new String(body, StandardCharsets.UTF_8);
        this.text = text.indexOf('\ufffd') < 0 ? text : new String(body, StandardCharsets.ISO_8859_1);
    }
}
