"""The Spanish keywords, and the words by which Spanish is recognised; accents make no difference."""

from typing import Final

from jarvis_difficulty.signals import SignalName

FUNCTION_WORDS: Final = """
    el la los las lo un una unos unas de del al que quién quiénes cuál cuáles cómo cuándo dónde cuánto
    cuánta cuántos cuántas por porque para con sin sobre entre desde hasta hacia según pero sino si ya no
    ni muy más menos mucho mucha también es son era fue ser está están estoy hay ha han he hemos tengo
    tiene tienen tenemos puedo puede pueden podemos quiero necesito hace hacer hago haz mi mis tu tus su
    sus me te se le les nos yo ella ellos usted ustedes vos este esto ese esa eso estos estas dame dime
    decime hola gracias buenas buenos favor porfa cada todo toda todos todas otro otra dos tres en uno año
    años
"""

KEYWORDS: Final[dict[SignalName, str]] = {
    SignalName.SMALL_TALK: """
        hola, holi, buenas, buenos días, buen día, buenas tardes, buenas noches, qué tal, cómo estás, cómo
        está usted, cómo andas, cómo va, qué onda, mucho gusto, encantado, gracias, muchas gracias, mil
        gracias, adiós, chao, chau, hasta luego, hasta mañana, nos vemos, feliz cumpleaños, felicidades,
        enhorabuena, quién eres, quién sos, cómo te llamas, tu nombre, qué puedes hacer, cuéntame un chiste,
        contame un chiste, jaja, jajaja, jeje, genial, perfecto, vale, buenísimo, me sirvió, funcionó, estoy
        aburrido, hazme reír, espero que, ok, jejeje, lo siento, perdón, feliz, noches, tardes, días, bien,
        bueno, no, mañana
    """,
    SignalName.LOOKUP: """
        dato curioso, cuál es la capital, capital de, quién escribió, quién inventó, quién descubrió, quién
        pintó, quién ganó, quién dirigió, cuándo es, cuándo fue, cuándo nació, cuándo empieza, qué año, en qué
        año, de qué año, de qué años, qué fecha, qué hora, a qué hora, dónde está, dónde queda, dónde nació,
        qué idioma, qué país, qué ciudad, qué equipo, cuántos años tiene, cuánto mide, cuánto pesa, cuánto
        dura, cuánto cuesta, cuánto vale, cuánto es, cuántos son, cuántos días, cuántas horas, cuántos
        minutos, cuántas personas, cuántos habitantes, cuántos gramos, cuántos kilómetros, qué color, qué
        significan, qué quiere decir, cómo se dice, cómo se escribe, cómo se pronuncia, sinónimos, antónimo,
        antónimos, otra palabra para, lo contrario de, plural de, rima con, el más alto, la más alta, el más
        grande, la más grande, el más largo, el río más largo, qué tiempo hace, recomiéndame, sí o no,
        verdadero o falso, en una línea, en una frase, en una palabra, brevemente, en pocas palabras,
        recomendame, pregunta rápida, dime tres, dime cinco, dame tres, dame cinco, nombra tres, ideas para,
        nombre para, nombres para, eslogan, en grados, en millas, en kilómetros, por defecto, responde solo,
        con una palabra, número de teléfono, horario de apertura, dirección de, símbolo de, símbolo químico,
        en orden, un título para, es más grande, a cuánto está, quién creó, quién fabrica, en qué continente,
        en qué país, en qué ciudad, qué significa la palabra, quién mantiene, un número al azar, cómo digo,
        cómo diría, cómo se llama, récord de, tu favorito, tu favorita, favorito, favorita, elige un color, a
        qué hora cierra, a qué hora abre, quién, quiénes, cuál, cuáles, cuándo, dónde, en qué, de qué, qué
        día, capital, se llama
    """,
    SignalName.BRIEF: """
        una palabra, palabra, palabras, una frase, frase, frases, corto, corta, cortito, cortita, breve,
        rápido, línea, líneas, renglones, solo eso, nada más, título, mensaje, letra, letras, dice, plural,
        significa, sinónimo, siglas, tarjeta, chiste, idioma, por favor, porfa, porfis, inglés, español,
        francés, formal, saludo, ortografía, nombre, nombres
    """,
    SignalName.REWRITE: """
        traduce, tradúceme, traducir, traducí, traduzca, traducción de, resume, resúmeme, resumime, resumí,
        resumir, resumen, hazme un resumen, acorta, reformula, parafrasea, reescribe esta frase, corrige,
        corregí, corregir, corrígeme, corrige la ortografía, corrige las tildes, tildes, pon en mayúsculas,
        ponlo en mayúsculas, más formal, más educado, más amable, más corto, más cordial, más informal, orden
        alfabético, alfabéticamente, cuál de estas, cuál de estos, cuál de las siguientes, cuál de los
        siguientes, copia la línea, quita los duplicados, quita los repetidos, en viñetas, extrae los, extrae
        las, escribe un correo, redacta un correo, escribe un mensaje, escribe un poema, un poema,
        felicitación, tarjeta de cumpleaños, nota de agradecimiento, fuera de la oficina, asunto del correo,
        acórtame, más breve, simplifica esta frase, pule este texto, mejora la redacción, haz que suene, suene
        más, escribe un tuit, escribe unas palabras, escribe un brindis, dile algo, pásalo a, una frase
        educada, arregla la gramática, la gramática, la ortografía
    """,
    SignalName.EXPLAIN: """
        explica, explícame, explique, explicar, explícale, explicación, describe, describí, detalla, cómo
        puedo, cómo podemos, cómo se hace, cómo hago, cómo hacer, cómo hacemos, cómo lo, cómo la, cómo los,
        cómo las, cómo funciona, cómo funcionan, cómo cambia, cómo actúa, cómo actúan, cómo consigue, cómo
        saco, cómo configuro, cómo instalo, cómo creo, cómo borro, cómo elimino, cómo deshago, cómo cambio,
        cómo arreglo, cómo uso, cómo conecto, cómo evito, cómo paso, cómo calculo, cómo recupero, cómo agrego,
        cómo añado, cómo leo, cómo implemento, qué diferencia hay, diferencia entre, diferencias entre, por
        qué, qué pasa si, qué le pasa, qué hago, ponme un ejemplo, con ejemplos, con un ejemplo, dame un
        ejemplo, ejemplo, ejemplos, tutorial, guíame, guía, instrucciones, pasos para, configurar, configura,
        configuración, instalar, instalación, arreglo, arreglar, arregla, reparar, solucionar, soluciono,
        solución, resolver, resuelvo, depurar, no funciona, no arranca, no carga, no me deja, me sale, falla,
        se cae, se cuelga, devuelve, implementa, implementar, escribe una función, refactoriza, optimiza,
        optimizar, mejores prácticas, buenas prácticas, qué papeles, qué requisitos, requisitos para, trámite,
        qué derechos, en cada caso, síntomas, efectos secundarios, tratamiento, cuándo usar, cuándo se usa,
        cuándo conviene, para qué sirve, qué hace, forma correcta, manera correcta, qué reviso, averiguo por
        qué, me aparece, no anda, ordenar una, filtrar, genera, generar, crea, crear, crea un, haz un, haz
        una, hazme un, hazme una, agrega, añade, conectar, ejecutar, convertir, comprobar si, más rápida, más
        rápido, lento, lenta, qué pasa con, solicito, solicitar, tengo derecho, tengo que, hace falta,
        necesito un, necesito una, pasos, copia de seguridad, ayúdame, cómo se trata, y ahora, la línea de,
        por dónde empiezo, quiero un, quiero una, es legal, está permitido, no compila, cómo, diferencia,
        diferencias, paso a paso, funciona, sirve, usar, usa, hago
    """,
    SignalName.TECHNICAL: """
        algoritmo, algoritmos, lista enlazada, tabla hash, árbol binario, búsqueda binaria, recursividad,
        recursión, complejidad, función, funciones, método, métodos, clase, clases, objeto, objetos, interfaz,
        herencia, puntero, punteros, variable, variables, arreglo de, vector, matriz, cadena, cadenas, bucle,
        bucles, hilo, hilos, concurrencia, concurrente, paralelo, asíncrono, asíncrona, corrutina, corrutinas,
        canal, bloqueo, bloqueos, interbloqueo, memoria, montículo, búfer, caché, compilador, compilar,
        intérprete, librería, librerías, biblioteca, dependencia, dependencias, paquete, módulo, importar,
        código, programación, programa, software, fallo, error, errores, excepción, excepciones, traza,
        registro, registros, prueba unitaria, pruebas unitarias, pruebas, expresión regular, expresiones
        regulares, analizador, codificación, servidor, servidores, petición, peticiones, respuesta, cabecera,
        cabeceras, sesión, autenticación, autorización, cifrado, cifrar, certificado, certificados, protocolo,
        protocolos, la red, una red, de red, redes, enrutador, cortafuegos, puerto, puertos, balanceador,
        latencia, rendimiento, base de datos, bases de datos, esquema, tabla, tablas, fila, filas, columna,
        columnas, consulta, consultas, índice, índices, clave primaria, clave foránea, transacción,
        transacciones, replicación, réplica, réplicas, partición, particiones, migración, migraciones,
        procedimiento almacenado, sistema distribuido, sistemas distribuidos, microservicio, microservicios,
        monolito, servicio, servicios, mensajes, consumidor, productor, consenso, contenedor, contenedores,
        imagen, clúster, nodo, nodos, desplegar, despliegue, despliegue continuo, integración continua,
        producción, terminal, rama, ramas, repositorio, aprendizaje automático, aprendizaje profundo, red
        neuronal, redes neuronales, sobreajuste, retropropagación, atención, clasificador, regresión, núcleo,
        sistema operativo, memoria virtual, archivo, archivos, fichero, ficheros, disco, controlador,
        navegador, fórmula, tabla dinámica, lenguaje, sistema inmunitario, sistema inmune, vacuna, vacunas,
        virus, bacteria, bacterias, proteína, proteínas, enzima, célula, células, neurona, fotosíntesis, adn,
        arn, gen, genes, evolución, molécula, átomo, electrón, cuántica, cuántico, relatividad, gravedad,
        termodinámica, entropía, voltaje, corriente, circuito, resistencia, transistor, motor, presión, dosis,
        diagnóstico, infección, insulina, presión arterial, tensión arterial, antibiótico, antibióticos,
        médico, paciente, interés compuesto, hipoteca, inflación, bono, bonos, acciones, dividendo,
        amortización, balance, impuesto, impuestos, iva, irpf, factura, facturas, ley, legal, contrato,
        cláusula, despido, indemnización, finiquito, empleo, empresa, autónomo, autónomos, alquiler, patente,
        licencia, normativa, jubilación, herencia legal, escribe una, escribe un
    """,
    SignalName.CODE: """
        traza de error, código de salida, violación de segmento
    """,
    SignalName.MATHS: """
        teorema, lema, ecuación, ecuaciones, integral, integrales, derivada, derivadas, deriva la, matrices,
        determinante, autovalor, autovalores, espacio vectorial, polinomio, polinomios, primo, primos, números
        primos, irracional, racional, números reales, entero, enteros, números naturales, divisible, divisor,
        módulo de, raíz de, raíz cuadrada, logaritmo, exponente, converge, convergencia, límite de, sucesión,
        recurrencia, inducción, contradicción, biyección, inyectiva, continua, derivable, topología, grupo
        abeliano, triángulo, círculo, circunferencia, polígono, ángulo, ángulos, hipotenusa, geometría,
        geométrica, geométrico, probabilidad, esperanza matemática, valor esperado, varianza, desviación
        típica, desviación estándar, distribución, variable aleatoria, combinaciones, permutaciones,
        combinatoria, binomial, grafo, grafos, np completo, peor caso, cota inferior, cota superior,
        fibonacci, palomar, al azar, dividido, perímetro, factorial, desigualdad, existe un, infinitos primos,
        infinitos, moneda justa, urna, bolas, baraja, subconjuntos, radio de, diámetro, impar, impares, número
        par, números pares, rectángulo, rectangular, lados, número esperado, en promedio, de media, tiradas,
        múltiplo de, múltiplos, múltiplos de
    """,
    SignalName.COMPARE: """
        compara, comparame, compare, comparar, comparación, comparativa, contrasta, versus, vs, pros y
        contras, ventajas, desventajas, inconvenientes, mejor opción, cuál elegirías, cuál escogerías, elegir
        entre, decidir entre, decidir si, o debería, deberíamos, debo, es preferible, conviene, me conviene,
        nos conviene, vale la pena, sopesa, sopesar, pondera, por un lado, cada lado, ambos lados, cada
        postura, a favor y en contra, qué harías, qué harías tú, qué recomendarías, qué recomiendas, más
        convincente, te convence, justa, ético, ética, moral, moralmente, justificado, no sé si, decisión,
        dilema, a cambio, renunciar, qué pierdo, qué pierdes, qué perdemos, aceptar la oferta, me convendría,
        estoy dudando, dudo entre, es mejor, sería mejor, mejor para, qué opciones tengo, qué opción, se
        sostiene mejor, o espero, o esperamos, qué opinas, qué piensas, más sensato, más prudente, más
        inteligente, estuvo bien, estuvo mal, aceptable, qué preferirías, más conviene, estaría mal, estaría
        bien, sería justo, sería correcto, sería ético, más, menos, mejor, peor, bien o mal, mal, verdad,
        cierto, compensa, o, u, mayor, menor, mejores, todavía, suficiente, aunque, pero, sino, decidir
    """,
    SignalName.REASONING: """
        diseña, diseñame, diseñe, diseñar, diseñemos, rediseña, rediseñar, arquitectura para, planifica,
        planifique, planificar, planea, planear, estrategia, estrategias, elabora, itinerario, cómo
        estructurarías, cómo diseñarías, cómo construirías, propón, proponé, proponer, propuesta, prioriza,
        priorizar, asigna, repartir, reparte, reparto, turnos, cronograma, horario para, calendario de,
        organiza, organizar, organízame, guardias, arma un, plantea un, plantea una, estructura un, etapas,
        puede salir mal, salir mal, plan semanal, demuestra, demuestre, demostrá, demuéstrame, demostrar,
        demostración, prueba que, pruebe que, probar que, refuta, refutar, deduce, dedúcelo, deducí, deducir,
        deduzca, deducción, contraejemplo, por inducción, por contradicción, forma cerrada, analiza, analice,
        analizar, análisis, evalúa, evalúe, evaluar, evaluación, valora, crítica, críticamente, argumenta,
        argumentar, argumento, argumentos, justifica, justifique, justificar, justificación, razona, razónalo,
        razonando, razonamiento, infiere, inferir, hipótesis, supuesto, supuestos, implicaciones,
        implicancias, consecuencias, compromisos, causa raíz, causas, diagnostica, investiga, averigua,
        descartar, descarta, qué revisarías, qué mirarías, piénsalo, piensa, pensarlo bien, calcula cuántos,
        estima, estimalo, estimar, sin buscar, sin buscarlo, cómo sabes, convénceme, determina, determinar,
        determina si, lógica, acertijo, adivinanza, enigma, rompecabezas, paradoja, experimento mental,
        filosofía, filosófico, libre albedrío, conciencia, consciencia, incentivos, óptimo, óptima, mienten,
        mentiroso, mentirosos, monedas, balanza, mismo día, cumplan el mismo, veces mayor, el triple que,
        minimiza, minimizar, maximiza, maximizar, discute, discutí, debate, réplica a, objeción, objeciones,
        mejores argumentos, cómo encontrarías, posibles causas, qué puede ser, a qué se debe, necesariamente,
        se deduce, contradice, veredicto, qué debo tener en cuenta, daría lo mismo, hay solución, mínimo
        número, número mínimo, máximo número, cuántas formas, de verdad, puede una máquina, justicia, derechos
        humanos, es lícito, debería permitirse, aproximadamente cuántos, aproximadamente cuántas, a ojo, lo
        que sabemos, ya probamos, ya descartamos, dónde mirarías, qué pasó, qué cambió, cómo acomodo, siempre
        miente, exactamente uno, dos trenes, se encuentran, se cruzan, edades, falacia, por tanto, argumento
        válido, estimación, caben, cabrían, mayor posible, menor posible, mayor área, de cuántas formas, en
        realidad, determinista, qué explica, teorías, explicaciones, por orden de probabilidad, indecidible,
        problema de la parada, se rompe primero, distinto color, harían falta, haría falta, se necesitan, se
        necesitarían, contraargumento, contraargumentos, rebate, rebatir, puntos débiles, debilidades,
        limitaciones, méritos, reconciliar, predice, predecir, escenario, escenarios, contingencia, quién
        tiene razón, persuadir, convencer, negociar, negociación, coartada, sospechosos, siguiente número,
        silogismo, si todos los, podemos saber, con certeza, la realidad, el alma, verdad objetiva, naturaleza
        de, defiende tu, más culpa, razona la, razona el, razona tu, piensa dónde, piensa cómo, nadie lo
        reproduce, convence, acuerdo, cuántos, cuántas
    """,
    SignalName.CONSTRAINTS: """
        debe, deben, no debe, no deben, como máximo, como mucho, como mínimo, al menos, más de, menos de,
        hasta que, solo, exactamente, sin que, dentro de, no puede, no pueden, no puedo, nunca, jamás,
        siempre, ninguno, ninguna, ningún, ni, salvo, excepto, cada uno, cada una, todos, limitado, límite,
        restricción, restricciones, sujeto a, siempre que, plazo, requisito, requisitos, manteniendo,
        garantiza, garantizar, asegura, por segundo, al día, por día, en total, el resto, el mismo, la misma,
        los mismos, distinto, distinta, seguidas, seguidos, consecutivos, la verdad, miente, mentira, mayor
        que, menor que, antes de, después de, en meses, usuarios, equipo de, coincidir, presupuesto, sin
        caídas, sin parar, sin interrupciones, sin cortes, alta disponibilidad, escalable, escalabilidad,
        varias regiones, entre regiones, fases, por etapas, riesgo, riesgos, interesados, plantilla, con
        cuidado, suponiendo, suponé, podría haber, concluye, conclusión, bajo qué, intermitente, a veces, de
        repente, solo pasa, desde el lunes, desde ayer, pasó de, subió de, bajó de, cada, misma, mismo, veces,
        sin, todas, máximo, mínimo, resto, hasta, entre, ambos, otro, otra, otros, justo, nada, sola
    """,
    SignalName.HYPOTHESIS: """
        si, sería, podría, debería, puede, pueden, puedo, hubiera, fuera, tendría, haría, harías, habría,
        posible, supón, supongamos, imagina, dado que, y si, qué pasaría
    """,
    SignalName.PEOPLE: """
        somos, tenemos, estamos, nos, nosotros, nuestro, nuestra, nuestros, nuestras, ella, ellos, ellas, le,
        les, su, sus, gente, personas, madre, padre, padres, mamá, papá, hermano, hermana, hijo, hija, hijos,
        niña, niño, mujer, marido, suegra, amigo, amiga, amigos, jefe, jefa, clientes, cliente, equipo,
        familia, vecino, socio, socia, queremos, podemos, hemos, quiere, quieren, dicen, dijo, pareja, novio,
        novia, pacientes, empleados, alumnos, nadie
    """,
    SignalName.FIGURES: """
        dos, tres, cuatro, cinco, seis, siete, ocho, nueve, diez, doce, veinte, treinta, cincuenta, cien,
        ciento, mil, millón, millones, docena, mitad, doble, triple, km h, litros, once, cuarenta, tercio,
        cuarto
    """,
}
