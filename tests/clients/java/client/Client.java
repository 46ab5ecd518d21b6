import javax.xml.ws.BindingProvider;
import javax.xml.ws.handler.MessageContext;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** The four operations of one WSDL; behind it a port that was generated from that WSDL. */
abstract class Client {
    final String name;
    final Class<?> portType;
    private final BindingProvider port;

    Client(String name, Class<?> portType, Object port) {
        this.name = name;
        this.portType = portType;
        this.port = (BindingProvider) port;
    }

    abstract String create(String phone, String dnId, String group);

    abstract String allocate(String uniqueId, String group);

    abstract String get(String phone);

    abstract String free(String phone);

    /** The HTTP headers of the calls from now on. */
    final Client as(Map<String, String> headers) {
        Map<String, List<String>> lists = new HashMap<>();
        headers.forEach((header, value) -> lists.put(header, List.of(value)));
        port.getRequestContext().put(MessageContext.HTTP_REQUEST_HEADERS, lists);
        return this;
    }

    /** Sends the calls from now on to another address than that of the WSDL. */
    final Client at(String address) {
        port.getRequestContext().put(BindingProvider.ENDPOINT_ADDRESS_PROPERTY, address);
        return this;
    }

    /** The address the next call goes to: the one of the WSDL, unless another one was set. */
    final String address() {
        return String.valueOf(port.getRequestContext().get(BindingProvider.ENDPOINT_ADDRESS_PROPERTY));
    }

    /** The operations that the generated interface has. */
    final Set<String> operations() {
        Set<String> names = new TreeSet<>();
        for (var method : portType.getMethods()) {
            names.add(method.getName());
        }
        return names;
    }
}
