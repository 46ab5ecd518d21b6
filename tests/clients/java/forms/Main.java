import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Sends forms, multipart texts and envelopes to a running demo gateway as the HTTP library that it is compiled with
 * writes them when nobody says anything about charsets, with umlauts in them, and reads back what arrived. BASE is the
 * gateway's address. Prints one line per check and exits 1 when one failed.
 */
public final class Main {
    private static final Charset DEFAULT = null;
    private static final String STORAGE = "/genesys/1/storage/";
    private static final String NAME = "Jörg Müßiggänger";
    private static final Map<String, String> FIELDS = Map.of("name", NAME, "plain", "100 %");
    private static final Map<String, String> ADMINISTRATOR = Map.of(
            "Tenant-Id", "12345678", "Application-Key", "53475e5f1463f9ab2052ead",
            "User-Id", "YWRtaW4=", "User-Password", "cGFzc3dvcmQ=");
    private static final String SOAP = "/interact/version/2/dnis/soap";
    private static final String NAMESPACE = "http://com/jacada/interact/dnis/soap";

    private static int passed;
    private static int failed;

    private Main() {}

    public static void main(String[] arguments) throws Exception {
        try (Sender sender = new Sender(System.getenv("BASE"))) {
            forms(sender);
            parts(sender);
            services(sender);
            envelopes(sender);
        }
        System.exit(passed > 0 && failed == 0 ? 0 : 1);
    }

    private static void forms(Sender sender) throws Exception {
        for (Charset charset : new Charset[] {DEFAULT, StandardCharsets.ISO_8859_1, StandardCharsets.UTF_8}) {
            String what = "a form in " + (charset == DEFAULT ? "the library's default charset" : charset);
            kept(sender, sender.form(STORAGE + "300", FIELDS, charset), what, "\"name\":\"" + NAME + "\"", "\"plain\":\"100 %\"");
        }
    }

    private static void parts(Sender sender) throws Exception {
        for (Sender.Mode mode : Sender.Mode.values()) {
            for (Charset charset : new Charset[] {DEFAULT, StandardCharsets.ISO_8859_1, StandardCharsets.UTF_8}) {
                String what = mode + " parts in " + (charset == DEFAULT ? "the library's default charset" : charset);
                String address = kept(sender, sender.parts(STORAGE + "300", FIELDS, charset, mode), what,
                        "\"name\":\"" + NAME + "\"", "\"plain\":\"100 %\"");
                equal(sender.get(address + "/picture").text, "\u0000\u00ff", what + ": a file keeps its bytes");
            }
        }
    }

    private static void services(Sender sender) throws Exception {
        Answer begun = sender.form("/genesys/1/service/request-interaction?_resource_group=DNIS", FIELDS, DEFAULT);
        equal(begun.status, 200, "request-interaction takes a form in the library's default charset");
        String number = member(begun, "_access_number");
        Answer matched = sender.form("/genesys/1/service/match-interaction",
                Map.of("_access_number", number, "_return_data", "true"), DEFAULT);
        check(matched.text.contains(NAME), "match-interaction gives the name back", matched.text);
    }

    private static void envelopes(Sender sender) throws Exception {
        Answer created = sender.envelope(SOAP, envelope("CreatePhone",
                "<phoneNumber>2119900017</phoneNumber><dnId>0017</dnId><groupName>Größe</groupName>"), ADMINISTRATOR);
        equal(created.status, 200, "CreatePhone in an envelope of the library's default charset");
        Answer lent = sender.envelope(SOAP, envelope("AllocateDnis",
                "<uniqueId>" + NAME + "</uniqueId><group>Größe</group>"), ADMINISTRATOR);
        check(lent.text.contains("2119900017"), "AllocateDnis finds the group with umlauts", lent.text);
        Answer seen = sender.envelope(SOAP, envelope("GetDnisAllocation", "<phone>2119900017</phone>"), ADMINISTRATOR);
        check(seen.text.contains(NAME), "GetDnisAllocation gives the name back", seen.text);
    }

    private static String envelope(String operation, String fields) {
        return "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body><" + operation
                + "Request xmlns=\"" + NAMESPACE + "\">" + fields + "</" + operation + "Request></e:Body></e:Envelope>";
    }

    /** What was stored, by reading it back: its address. */
    private static String kept(Sender sender, Answer created, String what, String... members) throws Exception {
        equal(created.status, 200, what + " is taken");
        String address = STORAGE + member(created, "id");
        String read = sender.get(address).text;
        for (String member : members) {
            check(read.contains(member), what + ": " + member, read);
        }
        return address;
    }

    /** The value of a member of an answer in JSON. */
    private static String member(Answer answer, String name) {
        Matcher found = Pattern.compile("\"" + name + "\" *: *\"([^\"]+)\"").matcher(answer.text);
        return found.find() ? found.group(1) : "missing-" + name;
    }

    private static void equal(Object found, Object expected, String what) {
        check(expected.equals(found), what, "expected " + expected + ", found " + found);
    }

    private static void check(boolean holds, String what, String whyNot) {
        if (holds) {
            passed++;
        } else {
            failed++;
        }
        System.out.println(holds ? "ok - " + what : "not ok - " + what + ": " + whyNot);
    }
}
