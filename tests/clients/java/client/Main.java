import javax.xml.ws.WebServiceException;
import javax.xml.ws.soap.AddressingFeature;
import javax.xml.ws.soap.MTOMFeature;
import javax.xml.ws.soap.SOAPFaultException;
import java.net.URL;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Drives a running demo gateway with the JAX-WS stack it is compiled against. BASE is the gateway's address,
 * FAULT_CODE the code that wrong credentials are expected to have, the vendor's unless set. Prints one line per check
 * and exits 1 when one failed.
 */
public final class Main {
    private static final Map<String, String> CHANNEL =
            Map.of("Tenant-Id", "12345678", "Application-Key", "53736e07e4b05772e6475c2d");
    private static final Map<String, String> IVR =
            Map.of("Tenant-Id", "12345678", "Application-Key", "53475e5f1463f9ab2052ead");
    private static final Map<String, String> WRONG_KEY = Map.of("Tenant-Id", "12345678", "Application-Key", "wrong");
    private static final Map<String, String> ADMINISTRATOR = Map.of(
            "Tenant-Id", "12345678", "Application-Key", "53475e5f1463f9ab2052ead",
            "User-Id", "YWRtaW4=", "User-Password", "cGFzc3dvcmQ=");
    private static final Set<String> OPERATIONS =
            Set.of("allocateDnis", "createPhone", "freeDnisAllocation", "getDnisAllocation");
    private static final String FAULT_CODE = System.getenv().getOrDefault("FAULT_CODE", "0x7000000");
    private static final String FAULT_TEXT = "Request is unauthorized, missing or wrong credentials";

    private static final String DNIS = "/interact/version/2/dnis/soap";
    private static final String NAMESPACE = "http://com/jacada/interact/dnis/soap";

    private static int passed;
    private static int failed;

    private Main() {}

    public static void main(String[] arguments) throws Exception {
        String base = System.getenv("BASE");
        String services = base + "/interact/version/2/";
        part("agent", () -> drive(AgentClient.of(new URL(services + "agent/soap/agent.wsdl")), base, "2119900005"));
        part("dnis", () -> drive(DnisClient.of(new URL(services + "dnis/soap/dnis.wsdl")), base, "2119900006"));
        part("own", () -> ownService(base));
        part("addressed", () -> addressed(base));
        part("MTOM", () -> wrapped(base));
        System.exit(passed > 0 && failed == 0 ? 0 : 1);
    }

    /** The group is the one that was made at the agent service; each stack has a gateway of its own. */
    private static void ownService(String base) {
        try {
            new OwnClient(new URL(base + "/gateway/v1/soap/gateway.wsdl"), ADMINISTRATOR).drive("2119900005", "33");
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    private static void drive(Client client, String base, String phone) {
        String address = base + "/interact/version/2/" + client.name + "/soap";
        equal(client.operations(), OPERATIONS, client.name + ": the WSDL describes the four operations");
        equal(client.address(), address, client.name + ": the address is the one in the served WSDL");
        lending(client, client.name, phone);
        refusals(client, client.name);
    }

    /** A number's life: created, refused twice, lent, seen, given back. */
    private static void lending(Client client, String name, String phone) {
        String group = "java " + name;
        String uniqueId = "Unique Id " + name + " <1> & 2";
        String dnId = phone.substring(5);
        String id = client.as(ADMINISTRATOR).create(phone, dnId, group);
        check(id.matches("[0-9]+"), name + ": CreatePhone answers a numeric id", id);
        equal(client.create(phone, dnId, group),
                "Cannot create Phone '" + phone + "'. A phone with that name already exists",
                name + ": CreatePhone of a number that exists answers the documented text");
        equal(client.as(IVR).get(phone), "", name + ": GetDnisAllocation of a number that is not lent is empty");
        equal(client.as(ADMINISTRATOR).free(phone), notFound(phone),
                name + ": FreeDnisAllocation of a number that is not lent says so");
        equal(client.as(CHANNEL).allocate(uniqueId, group), phone, name + ": AllocateDnis lends the group's number");
        equal(client.allocate(uniqueId + " again", group), "Currently there are no available phone numbers",
                name + ": AllocateDnis from an exhausted group says so");
        equal(client.as(IVR).get(phone), uniqueId, name + ": GetDnisAllocation answers the unique id by full number");
        equal(client.get(dnId), uniqueId, name + ": GetDnisAllocation answers the unique id by DNID");
        equal(client.as(ADMINISTRATOR).free(phone), "Success", name + ": FreeDnisAllocation answers Success");
        equal(client.as(IVR).get(phone), "", name + ": after FreeDnisAllocation nothing is allocated");
    }

    private static void refusals(Client client, String name) {
        equal(client.as(IVR).get("999000"), notFound("999000"),
                name + ": GetDnisAllocation of an unknown number says so");
        equal(client.as(ADMINISTRATOR).free("999000"), notFound("999000"),
                name + ": FreeDnisAllocation of an unknown number says so");
        fault(name + ": a wrong application key", client.as(WRONG_KEY), port -> port.get("111"));
        fault(name + ": no credentials", client.as(Map.of()), port -> port.allocate("1", "test"));
        fault(name + ": FreeDnisAllocation without a user", client.as(IVR), port -> port.free("222"));
    }

    /** With WS-Addressing demanded, the request's headers must be understood, and the answer says what it relates to. */
    private static void addressed(String base) throws Exception {
        try (Recorder recorder = new Recorder(base)) {
            URL wsdl = new URL(base + DNIS + "/dnis.wsdl");
            Client client = DnisClient.of(wsdl, new AddressingFeature(true, true)).at(recorder.address(DNIS));
            equal(client.as(IVR).get("999000"), notFound("999000"), "addressed: a request is answered");
            String id = header(recorder.request, "MessageID");
            check(!id.isEmpty(), "addressed: the request has a MessageID", recorder.request);
            equal(header(recorder.answer, "RelatesTo"), id, "addressed: the answer relates to its request");
            equal(header(recorder.answer, "Action"), NAMESPACE + "/DnisPort/GetDnisAllocationResponse",
                    "addressed: the answer has its own action");
            fault("addressed: a wrong application key", client.as(WRONG_KEY), port -> port.get("111"));
            equal(header(recorder.answer, "RelatesTo"), header(recorder.request, "MessageID"),
                    "addressed: a fault relates to its request");
        }
    }

    /** With MTOM switched on the envelope comes as the only part of a package. */
    private static void wrapped(String base) throws Exception {
        try (Recorder recorder = new Recorder(base)) {
            URL wsdl = new URL(base + DNIS + "/dnis.wsdl");
            Client client = DnisClient.of(wsdl, new MTOMFeature(true)).at(recorder.address(DNIS));
            equal(client.as(IVR).get("999000"), notFound("999000"), "MTOM: a request is answered");
            check(recorder.contentType.startsWith("multipart/related") && recorder.request.contains("Content-ID"),
                    "MTOM: the envelope came in a package", recorder.contentType);
            fault("MTOM: a wrong application key", client.as(WRONG_KEY), port -> port.get("111"));
        }
    }

    /** The text of the first element of this local name; empty where there is none. */
    private static String header(String envelope, String name) {
        Matcher element = Pattern.compile("<(?:[\\w-]+:)?" + name + "(?:\\s[^>]*)?>([^<]*)<").matcher(envelope);
        return element.find() ? element.group(1).trim() : "";
    }

    /** The authentication fault arrives as the exception for faults, with the vendor's code and text. */
    private static void fault(String what, Client client, Function<Client, String> call) {
        try {
            String answer = call.apply(client);
            check(false, what + " is the authentication fault", "answered " + answer);
        } catch (SOAPFaultException thrown) {
            var fault = thrown.getFault();
            equal(fault.getFaultCode() + " " + fault.getFaultString(), FAULT_CODE + " " + FAULT_TEXT,
                    what + " is the authentication fault");
            check(thrown.getMessage().contains(FAULT_TEXT), what + ": the exception's message says so",
                    thrown.getMessage());
        } catch (WebServiceException thrown) {
            thrown.printStackTrace();
            check(false, what + " is the authentication fault", "threw " + thrown);
        }
    }

    private static String notFound(String phone) {
        return "Phone number " + phone + " was not found";
    }

    /** Something that may throw. */
    private interface Part {
        void run() throws Exception;
    }

    /** A part whose unexpected error is a failed check and does not stop the parts after it. */
    private static void part(String name, Part part) {
        try {
            part.run();
        } catch (Exception error) {
            error.printStackTrace();
            check(false, name + ": the generated client talks to the gateway", error.toString());
        }
    }

    static void equal(Object found, Object expected, String what) {
        check(Objects.equals(found, expected), what, "expected " + expected + ", found " + found);
    }

    static void check(boolean holds, String what, String whyNot) {
        if (holds) {
            passed++;
        } else {
            failed++;
        }
        System.out.println(holds ? "ok - " + what : "not ok - " + what + ": " + whyNot);
    }
}
