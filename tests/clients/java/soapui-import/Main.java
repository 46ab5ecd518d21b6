import java.net.URL;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import javax.wsdl.Binding;
import javax.wsdl.BindingOperation;
import javax.wsdl.Definition;
import javax.wsdl.Message;
import javax.wsdl.Part;
import javax.wsdl.Port;
import javax.wsdl.Service;
import javax.wsdl.extensions.soap.SOAPAddress;
import javax.wsdl.extensions.soap.SOAPBinding;
import javax.wsdl.extensions.soap.SOAPBody;
import javax.wsdl.extensions.soap.SOAPOperation;
import javax.wsdl.factory.WSDLFactory;
import javax.wsdl.xml.WSDLReader;
import javax.xml.namespace.QName;
import org.apache.xmlbeans.SchemaGlobalElement;
import org.apache.xmlbeans.SchemaLocalElement;
import org.apache.xmlbeans.SchemaParticle;
import org.apache.xmlbeans.SchemaType;
import org.apache.xmlbeans.SchemaTypeLoader;
import org.apache.xmlbeans.XmlBeans;
import org.apache.xmlbeans.XmlCursor;
import org.apache.xmlbeans.XmlObject;
import org.apache.xmlbeans.XmlError;
import org.apache.xmlbeans.XmlOptions;
import org.apache.xmlbeans.impl.xb.xsdschema.SchemaDocument;

/**
 * What SoapUI does when a tester imports a WSDL, with the two libraries it does it with: WSDL4J reads the document,
 * XmlBeans compiles its schemas, and every operation of the binding becomes one with a sample request. BASE is the
 * gateway's address. Prints one line per check and exits 1 when one failed.
 */
public final class Main {
    private static final Set<String> OPERATIONS =
            Set.of("AllocateDnis", "CreatePhone", "FreeDnisAllocation", "GetDnisAllocation");

    private static int passed;
    private static int failed;

    private Main() {}

    public static void main(String[] arguments) {
        String base = System.getenv("BASE");
        for (String name : List.of("agent", "dnis")) {
            String address = base + "/interact/version/2/" + name + "/soap";
            for (String wsdl : List.of(address + "/" + name + ".wsdl", address + "?wsdl")) {
                try {
                    imports(wsdl, address);
                } catch (Exception error) {
                    error.printStackTrace();
                    check(false, wsdl.substring(base.length()) + " is imported", error.toString());
                }
            }
        }
        System.exit(passed > 0 && failed == 0 ? 0 : 1);
    }

    private static void imports(String wsdl, String address) throws Exception {
        WSDLReader reader = WSDLFactory.newInstance().newWSDLReader();
        reader.setFeature("javax.wsdl.verbose", false);
        reader.setFeature("javax.wsdl.importDocuments", true);
        Definition definition = reader.readWSDL(wsdl);
        String name = new URL(wsdl).getFile();
        check(definition.getImports().isEmpty(), name + " is one self-contained document", "it imports others");
        SchemaTypeLoader types = compile(wsdl);
        check(true, name + ": XmlBeans compiles the schemas", "");

        Port port = onlyPort(definition);
        List<SOAPAddress> addresses = extensions(port.getExtensibilityElements(), SOAPAddress.class);
        equal(addresses.get(0).getLocationURI(), address, name + ": the endpoint is the address it was fetched from");
        Binding binding = port.getBinding();
        SOAPBinding soap = extensions(binding.getExtensibilityElements(), SOAPBinding.class).get(0);
        equal(soap.getTransportURI(), "http://schemas.xmlsoap.org/soap/http", name + ": the binding is one for HTTP");

        Set<String> names = new TreeSet<>();
        for (Object each : binding.getBindingOperations()) {
            BindingOperation operation = (BindingOperation) each;
            names.add(operation.getName());
            operation(operation, types, name);
        }
        equal(names, OPERATIONS, name + ": the interface has the four operations");
    }

    /** An operation needs an action, one body part each way, and a sample of its request that its schema accepts. */
    private static void operation(BindingOperation operation, SchemaTypeLoader types, String wsdl) {
        String what = wsdl + " " + operation.getName();
        SOAPOperation soap = extensions(operation.getExtensibilityElements(), SOAPOperation.class).get(0);
        check(!soap.getSoapActionURI().isEmpty(), what + " has an action", "it is empty");
        body(operation.getBindingInput().getExtensibilityElements(), what + " input");
        body(operation.getBindingOutput().getExtensibilityElements(), what + " output");
        SchemaGlobalElement request = element(operation.getOperation().getInput().getMessage(), types, what);
        SchemaGlobalElement response = element(operation.getOperation().getOutput().getMessage(), types, what);
        for (SchemaGlobalElement element : List.of(request, response)) {
            XmlObject sample = sample(element, types);
            List<XmlError> errors = new ArrayList<>();
            boolean valid = sample.validate(new XmlOptions().setErrorListener(errors));
            check(valid, what + ": a sample " + element.getName().getLocalPart() + " is valid", errors.toString());
        }
    }

    private static void body(List<?> extensions, String what) {
        equal(extensions(extensions, SOAPBody.class).get(0).getUse(), "literal", what + " is literal");
    }

    /** The global element of a message's only part. */
    private static SchemaGlobalElement element(Message message, SchemaTypeLoader types, String what) {
        Map<?, ?> parts = message.getParts();
        equal(parts.size(), 1, what + ": " + message.getQName().getLocalPart() + " has one part");
        QName name = ((Part) parts.values().iterator().next()).getElementName();
        SchemaGlobalElement element = types.findElement(name);
        if (element == null) {
            throw new IllegalStateException(name + " is no global element of the schemas");
        }
        return element;
    }

    /** A request as SoapUI fills it in: every element of the sequence, with a value of its type. */
    private static XmlObject sample(SchemaGlobalElement element, SchemaTypeLoader types) {
        XmlObject document = XmlObject.Factory.newInstance();
        XmlCursor cursor = document.newCursor();
        try {
            cursor.toNextToken();
            cursor.beginElement(element.getName());
            for (SchemaParticle particle : children(element.getType().getContentModel())) {
                cursor.insertElementWithText(particle.getName(), value(((SchemaLocalElement) particle).getType()));
            }
        } finally {
            cursor.dispose();
        }
        return document.changeType(types.findDocumentType(element.getName()));
    }

    private static List<SchemaParticle> children(SchemaParticle content) {
        if (content.getParticleType() == SchemaParticle.ELEMENT) {
            return List.of(content);
        }
        if (content.getParticleType() != SchemaParticle.SEQUENCE) {
            throw new IllegalStateException("a content model that is no sequence: " + content.getParticleType());
        }
        return List.of(content.getParticleChildren());
    }

    private static String value(SchemaType type) {
        return switch (type.getPrimitiveType().getBuiltinTypeCode()) {
            case SchemaType.BTC_STRING -> "?";
            case SchemaType.BTC_BOOLEAN -> "true";
            default -> throw new IllegalStateException("a type without a sample: " + type);
        };
    }

    /** Takes the schemas out of the document as text, with the namespaces that are declared around them, as SoapUI does. */
    private static SchemaTypeLoader compile(String wsdl) throws Exception {
        XmlObject document = XmlObject.Factory.parse(new URL(wsdl));
        XmlOptions withNamespaces = new XmlOptions().setSaveOuter().setSaveAggressiveNamespaces();
        XmlObject[] schemas = document.selectPath("declare namespace s='http://www.w3.org/2001/XMLSchema' .//s:schema");
        for (int index = 0; index < schemas.length; index++) {
            schemas[index] = SchemaDocument.Factory.parse(schemas[index].xmlText(withNamespaces));
        }
        SchemaTypeLoader builtin = XmlBeans.getBuiltinTypeSystem();
        SchemaTypeLoader compiled = XmlBeans.compileXsd(schemas, builtin, new XmlOptions());
        return XmlBeans.typeLoaderUnion(new SchemaTypeLoader[] {builtin, compiled});
    }

    private static Port onlyPort(Definition definition) {
        equal(definition.getServices().size(), 1, "the document has one service");
        Service service = (Service) definition.getServices().values().iterator().next();
        equal(service.getPorts().size(), 1, service.getQName().getLocalPart() + " has one port");
        return (Port) service.getPorts().values().iterator().next();
    }

    /** The extension elements of one class, of which there must be at least one. */
    private static <T> List<T> extensions(List<?> elements, Class<T> kind) {
        List<T> found = elements.stream().filter(kind::isInstance).map(kind::cast).collect(Collectors.toList());
        if (found.isEmpty()) {
            throw new IllegalStateException("no " + kind.getSimpleName());
        }
        return found;
    }

    private static void equal(Object found, Object expected, String what) {
        check(Objects.equals(found, expected), what, "expected " + expected + ", found " + found);
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
