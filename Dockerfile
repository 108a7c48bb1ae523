# One image for every Airflow component and for the command line.
FROM python:3.11-slim

# LibreOffice reads doc, wps, rtf and odt and works out formulas; unar opens rar;
# a font draws those PDFs that bring none of their own.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        curl tzdata \
        libreoffice-calc-nogui libreoffice-writer-nogui unar fonts-wqy-microhei \
    && rm -rf /var/lib/apt/lists/*

ENV AIRFLOW_HOME=/opt/airflow \
    HUIZONG_HOME=/var/lib/huizong \
    HUIZONG_PROJECT=/opt/huizong \
    LANG=C.UTF-8 \
    PYTHONUNBUFFERED=1 \
    TZ=Asia/Shanghai

WORKDIR /opt/huizong
RUN pip install --no-cache-dir uv
COPY requirements.txt .
RUN uv pip install --system --no-cache --no-deps -r requirements.txt

COPY . .
RUN uv pip install --system --no-cache --no-deps --editable . \
    && useradd --uid 50000 --create-home huizong \
    && mkdir -p /opt/airflow/logs /opt/airflow/config /var/lib/huizong \
    && cp include/huizong_airflow/config/airflow_local_settings.py /opt/airflow/config/ \
    && chown -R huizong:huizong /opt/airflow /var/lib/huizong

USER huizong
EXPOSE 8080
CMD ["airflow", "version"]
